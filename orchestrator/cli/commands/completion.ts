/** `completion`: a script for the shell that completes commands, flags and names. */
import type { Command } from 'commander';
import { benches } from '../../../benchmarks/index.ts';
import { FAULT_KINDS } from '../../scenario/fault_kinds.ts';
import { type Context, print } from '../context.ts';
import { EXIT, type ExitCode, UsageError } from '../exit_code.ts';
import { allRules } from './drill.ts';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;

/** What can follow a command: commands of its own, or flags and names. */
interface Words {
  readonly name: string;
  readonly description: string;
  readonly commands: readonly Words[];
  readonly flags: readonly string[];
  /** What its arguments may be. */
  readonly names: readonly string[];
}

export async function completionCommand(context: Context, shell: string, program: Command): Promise<ExitCode> {
  const script = { bash, zsh, fish }[shell as (typeof SHELLS)[number]];
  if (script === undefined) throw new UsageError(`no completion for "${shell}": expected ${SHELLS.join(', ')}`);
  const alerts = [...(await allRules(context)).keys()];
  print(context, script(wordsOf(program, { ...context, alerts })));
  return EXIT.pass;
}

/** Where names are looked up. */
type Known = Pick<Context, 'catalogue' | 'systems'> & { readonly alerts: readonly string[] };

function wordsOf(command: Command, known: Known): Words {
  return {
    name: command.name(),
    description: command.description(),
    commands: command.commands.map((each) => wordsOf(each, known)),
    flags: command.options.flatMap((option) => option.long ?? []),
    names: command.registeredArguments.flatMap((argument) => namesOf(argument.name(), known)),
  };
}

/** By the name that the argument has in `program.ts`. Runs are left out: the script would know those of its own day only. */
function namesOf(argument: string, { catalogue, systems, alerts }: Known): readonly string[] {
  switch (argument) {
    case 'scenario': {
      const entries = catalogue.list();
      const names = entries.flatMap(({ name, id }) => [name.split('/')[0]!, name, id]);
      return [...new Set(['all', ...names])].sort();
    }
    case 'system':
      return systems.names();
    case 'alert':
      return alerts;
    case 'kind':
      return FAULT_KINDS;
    case 'target':
      return ['leader', 'follower', 'followers', 'any', 'all'];
    case 'name':
      return Object.keys(benches);
    case 'shell':
      return SHELLS;
    default:
      return [];
  }
}

function bash({ name: program, commands }: Words): string {
  const flags = commands.flatMap(bashCases).map((line) => `    ${line} ;;`);
  return `${loading(program, 'bash')}
_${program}() {
  local words="${commands.map((command) => command.name).join(' ')}"
  local second="\${COMP_WORDS[2]}"
  if [ "$COMP_CWORD" -le 2 ]; then second=; fi
  if [ "$COMP_CWORD" -gt 1 ]; then case "\${COMP_WORDS[1]} $second" in
${flags.join('\n')}
  esac; fi
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _${program} ${program}`;
}

/** By the first word and, for a command that has commands, the second. */
function bashCases({ name, commands, flags, names }: Words): string[] {
  const inner = commands.map(
    (command) => `"${name} ${command.name}") words="${[...command.flags, ...command.names].join(' ')}"`,
  );
  return [
    ...inner,
    `"${name} "*) words="${[...commands.map((command) => command.name), ...flags, ...names].join(' ')}"`,
  ];
}

function zsh(words: Words): string {
  return `${loading(words.name, 'zsh')}
autoload -U +X bashcompinit && bashcompinit
${bash(words).split('\n').slice(1).join('\n')}`;
}

/** Shells complete by a command's first word, and that is npx unless it has a name of its own. */
function loading(program: string, shell: 'bash' | 'zsh'): string {
  return `# alias ${program}='npx ${program}'; eval "$(${program} completion ${shell})"`;
}

function fish({ name: program, commands }: Words): string {
  const root = '__fish_use_subcommand';
  return [
    `# alias ${program} 'npx ${program}'; ${program} completion fish | source`,
    `complete -c ${program} -f`,
    ...commands.flatMap((command) => fishLines(program, command, root)),
  ].join('\n');
}

/** @param before the condition under which the command may come next */
function fishLines(program: string, { name, description, commands, flags, names }: Words, before: string): string[] {
  const quote = (text: string) => `'${text.replaceAll("'", "\\'")}'`;
  const inside = `__fish_seen_subcommand_from ${name}`;
  const own = commands.map((command) => command.name).join(' ');
  const open = own === '' ? inside : `${inside}; and not __fish_seen_subcommand_from ${own}`;
  return [
    `complete -c ${program} -n ${before.includes(' ') ? quote(before) : before} -a ${name} -d ${quote(description)}`,
    ...flags.map((flag) => `complete -c ${program} -n ${quote(inside)} -l ${flag.replace(/^--/, '')}`),
    ...(names.length > 0 ? [`complete -c ${program} -n ${quote(inside)} -a ${quote(names.join(' '))}`] : []),
    ...commands.flatMap((command) => fishLines(program, command, open)),
  ];
}
