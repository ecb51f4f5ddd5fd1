/** `explain`: everything that is known of one alert, for whoever is woken by it. */
import { existsSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { DrillLedger } from '../../drill/ledger.ts';
import type { DrillOutcome } from '../../drill/outcome.ts';
import { planDrills } from '../../drill/plan.ts';
import { resolved, withStretch } from '../../drill/table.ts';
import { currentState } from '../../run/current_state.ts';
import { RUNBOOKS } from '../../run/project.ts';
import { formatDuration } from '../../verdict/duration.ts';
import type { AlertingRule } from '../../verdict/rules.ts';
import { type Context, print, printJson } from '../context.ts';
import { EXIT, type ExitCode } from '../exit_code.ts';
import { contextOf, type SystemFlags } from '../system_choice.ts';
import { allRules } from './drill.ts';

export async function explainCommand(
  command: Context,
  alert: string,
  flags: SystemFlags & { readonly json: boolean },
): Promise<ExitCode> {
  const context = await contextOf(command, flags);
  const rules = await allRules(context);
  planDrills(rules, [alert]);
  const rule = rules.get(alert)!;
  const runbook = await runbookOf(context, alert);
  const lastDrill = new DrillLedger(context.directories.base).last(alert);
  const now = await currentState(context.directories, alert, rule.expression.text);
  if (flags.json) {
    const { name, forMs, labels, annotations, place, expression } = rule;
    const document = { alert: name, expr: expression.text.trim(), forMs, labels, annotations, place };
    printJson(context, { ...document, runbook, lastDrill: lastDrill ?? null, now: now ?? null });
  } else {
    const { bold } = context.terminal.outColors;
    const facts = [
      ['severity', rule.labels.severity ?? 'none'],
      ['rule', `${relative(context.root, rule.place)}, for ${formatDuration(rule.forMs)}`],
      [
        'drill',
        `${rule.annotations.drill}: ${lastDrill ? drillText(lastDrill) : `never run here; \`gameday drill ${alert}\` does`}`,
      ],
      ...(rule.annotations.stays === undefined ? [] : [['stays', rule.annotations.stays]]),
      ['now', now ?? 'no run is under way'],
    ];
    print(context, `${bold(alert)}  ${rule.annotations.summary ?? ''}\n`);
    print(context, `${indented(rule)}\n`);
    for (const [name, text] of facts) print(context, `${name!.padEnd(9)} ${text}`);
    print(context, `\n${runbook ?? `docs/runbooks/${alert}.md does not exist`}`);
  }
  return EXIT.pass;
}

function indented({ expression }: AlertingRule): string {
  return expression.text
    .trim()
    .split('\n')
    .map((line) => `    ${line}`)
    .join('\n');
}

function drillText(drill: DrillOutcome): string {
  const when = new Date(drill.at).toISOString().slice(0, 16).replace('T', ' ');
  if (drill.detectMs === null) return `${when} UTC, ${drill.fault}: did not fire (${drill.reason})`;
  return `${when} UTC, ${drill.fault}: ${drill.result}, red after ${withStretch(drill.detectMs, drill)}, green after: ${resolved(drill)}`;
}

/** The system's own, else the one that all share. */
async function runbookOf({ root, systems }: Context, alert: string): Promise<string | null> {
  const own = (await systems.manifests()).map(({ files }) => join(systems.home, files.runbooks ?? RUNBOOKS));
  const file = [...own, join(root, RUNBOOKS)]
    .map((folder) => join(folder, `${alert}.md`))
    .find((path) => existsSync(path));
  return file === undefined ? null : readFileSync(file, 'utf8').trim();
}
