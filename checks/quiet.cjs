// Loaded by `node --require`: jest needs --experimental-vm-modules, whose warning says nothing new. Others still show.
const { emitWarning } = process;
process.emitWarning = (warning, ...rest) => {
  if (!String(warning).startsWith('VM Modules is an experimental feature')) emitWarning.call(process, warning, ...rest);
};
