/** `completion`: a script for the shell that completes commands, flags, scenarios and systems. */
import type { Command } from 'commander';
import { type Context, print } from '../context.ts';
import { EXIT, type ExitCode, UsageError } from '../exit_code.ts';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;

interface Words {
  readonly commands: readonly {
    readonly name: string;
    readonly description: string;
    readonly flags: readonly string[];
  }[];
  /** Suites, names and ids, systems. */
  readonly names: readonly string[];
}

export function completionCommand(context: Context, shell: string, program: Command): ExitCode {
  const scenarios = context.catalogue.list();
  const suites = scenarios.map(({ name }) => name.split('/')[0]!);
  const words: Words = {
    commands: program.commands.map((command) => ({
      name: command.name(),
      description: command.description(),
      flags: command.options.flatMap((option) => option.long ?? []),
    })),
    names: [...new Set(['all', ...suites, ...context.systems.names(), ...scenarios.map(({ name }) => name)])].sort(),
  };
  const script = { bash, zsh, fish }[shell as (typeof SHELLS)[number]];
  if (script === undefined) throw new UsageError(`no completion for "${shell}": expected ${SHELLS.join(', ')}`);
  print(context, script(words));
  return EXIT.pass;
}

function bash({ commands, names }: Words): string {
  const flags = commands.map((command) => `    ${command.name}) words="${[...command.flags, ...names].join(' ')}" ;;`);
  return `# eval "$(gameday completion bash)"
_gameday() {
  local words="${commands.map((command) => command.name).join(' ')}"
  if [ "$COMP_CWORD" -gt 1 ]; then case "\${COMP_WORDS[1]}" in
${flags.join('\n')}
  esac; fi
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _gameday gameday`;
}

function zsh(words: Words): string {
  return `# eval "$(gameday completion zsh)"
autoload -U +X bashcompinit && bashcompinit
${bash(words).split('\n').slice(1).join('\n')}`;
}

function fish({ commands, names }: Words): string {
  const quote = (text: string) => `'${text.replaceAll("'", "\\'")}'`;
  return [
    '# gameday completion fish | source',
    'complete -c gameday -f',
    ...commands.flatMap(({ name, description, flags }) => [
      `complete -c gameday -n __fish_use_subcommand -a ${name} -d ${quote(description)}`,
      ...flags.map(
        (flag) => `complete -c gameday -n '__fish_seen_subcommand_from ${name}' -l ${flag.replace(/^--/, '')}`,
      ),
    ]),
    `complete -c gameday -n 'not __fish_use_subcommand' -a ${quote(names.join(' '))}`,
  ].join('\n');
}
