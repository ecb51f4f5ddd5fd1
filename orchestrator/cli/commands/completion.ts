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
    /** What its arguments may be. */
    readonly names: readonly string[];
  }[];
}

export function completionCommand(context: Context, shell: string, program: Command): ExitCode {
  const words: Words = {
    commands: program.commands.map((command) => ({
      name: command.name(),
      description: command.description(),
      flags: command.options.flatMap((option) => option.long ?? []),
      names: command.registeredArguments.flatMap((argument) => namesOf(argument.name(), context)),
    })),
  };
  const script = { bash, zsh, fish }[shell as (typeof SHELLS)[number]];
  if (script === undefined) throw new UsageError(`no completion for "${shell}": expected ${SHELLS.join(', ')}`);
  print(context, script(words));
  return EXIT.pass;
}

/** By the name that the argument has in `program.ts`. Runs are left out: the script would know those of its own day only. */
function namesOf(argument: string, { catalogue, systems }: Context): readonly string[] {
  switch (argument) {
    case 'scenario': {
      const names = catalogue.list().map(({ name }) => name);
      return [...new Set(['all', ...names.map((name) => name.split('/')[0]!), ...names])].sort();
    }
    case 'system':
      return systems.names();
    case 'shell':
      return SHELLS;
    default:
      return [];
  }
}

function bash({ commands }: Words): string {
  const flags = commands.map(({ name, flags, names }) => `    ${name}) words="${[...flags, ...names].join(' ')}" ;;`);
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

function fish({ commands }: Words): string {
  const quote = (text: string) => `'${text.replaceAll("'", "\\'")}'`;
  return [
    '# gameday completion fish | source',
    'complete -c gameday -f',
    ...commands.flatMap(({ name, description, flags, names }) => [
      `complete -c gameday -n __fish_use_subcommand -a ${name} -d ${quote(description)}`,
      ...flags.map(
        (flag) => `complete -c gameday -n '__fish_seen_subcommand_from ${name}' -l ${flag.replace(/^--/, '')}`,
      ),
      ...(names.length > 0
        ? [`complete -c gameday -n '__fish_seen_subcommand_from ${name}' -a ${quote(names.join(' '))}`]
        : []),
    ]),
  ].join('\n');
}
