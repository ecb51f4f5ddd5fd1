/** The picture that `watch` shows: how the cluster is in one sentence, a line for each node, and what happened. Pure. */
import { formatDuration } from '../../../scenario/units.ts';
import { type Colors, shorten } from '../../terminal.ts';
import { isUnheard } from '../sync_commands.ts';
import { type ClusterEvent, type EventLog, nameOf } from './events.ts';
import type { ClusterView, NodeView } from './observe.ts';

export interface Screen {
  readonly title: string;
  readonly width: number;
  readonly height: number;
  readonly colors: Colors;
  /** Epoch ms. */
  readonly now: number;
}

/** How the cluster is, for a person who has just been woken. */
export interface Condition {
  readonly severity: 'good' | 'warning' | 'bad';
  readonly text: string;
  /** What to do, where there is something to do. */
  readonly next?: string;
}

type Cell = { readonly text: string; readonly paint?: (text: string) => string };

interface Column {
  readonly head: string;
  readonly align: 'left' | 'right';
  cell(node: NodeView, view: ClusterView, colors: Colors): Cell;
}

const NONE: Cell = { text: '–' };
/** From here on there is room for addresses and hashes. */
const WIDE = 100;

export function renderScreen(view: ClusterView, log: EventLog, screen: Screen): string[] {
  const { colors, height, width, now, title } = screen;
  const condition = conditionOf(view, log);
  const paint = { good: colors.green, warning: colors.yellow, bad: colors.red }[condition.severity];
  const clock = new Date(now).toLocaleTimeString('en-GB');
  const head = shorten(title, width - clock.length - 2);
  const top = [
    `${colors.bold(head)}${' '.repeat(width - head.length - clock.length)}${colors.dim(clock)}`,
    '',
    paint(colors.bold(shorten(condition.text, width))),
    colors.dim(shorten(condition.next ?? '', width)),
    '',
    ...nodeTable(view, screen),
    '',
  ];
  const foot = ['', colors.dim('q leaves')];
  const room = Math.max(0, height - top.length - foot.length - 1);
  const events = eventLines(log.events, screen).slice(0, room);
  const below = events.length > 0 ? [colors.dim('what changed'), ...events] : [colors.dim('nothing has changed yet')];
  const body = [...top, ...below].slice(0, height - foot.length);
  const gap = Array.from({ length: height - foot.length - body.length }, () => '');
  return [...body, ...gap, ...foot].slice(-height);
}

/** The worst of what can be said. */
export function conditionOf(view: ClusterView, log: EventLog): Condition {
  return inconsistency(view) ?? leaderlessness(view, log) ?? degradation(view) ?? health(view);
}

function inconsistency({ nodes }: ClusterView): Condition | undefined {
  const odd = nodes.filter(({ agreement }) => agreement === 'different');
  if (odd.length === 0) return undefined;
  return {
    severity: 'bad',
    text: `INCONSISTENT: ${odd.map(nameOf).join(', ')} and the rest hold different states`,
    next: '`bombarder verify` shows the hashes; keep the data before anything else',
  };
}

/** Nobody leads, or whoever does has no majority any more and will notice it within an election time-out. */
function leaderlessness(view: ClusterView, log: EventLog): Condition | undefined {
  const { nodes, leader, at } = view;
  const silent = nodes.filter(({ status }) => status === null);
  const majority = silent.length * 2 < nodes.length;
  if (leader !== null && majority) return undefined;
  if (silent.length === nodes.length)
    return { severity: 'bad', text: 'DOWN: no node answers', next: 'start them: they keep their data' };
  const what = leader === null ? `NO LEADER for ${age(at - (log.leaderlessSince ?? at))}` : 'NO MAJORITY';
  const text = `${what}: writes wait`;
  if (majority)
    return { severity: 'bad', text, next: 'an election takes about a second; if it lasts, see the logs of the nodes' };
  return { severity: 'bad', text: `${text}; ${silence(silent)}`, next: 'a majority has to run: start one of them' };
}

function degradation(view: ClusterView): Condition | undefined {
  const { nodes } = view;
  const silent = nodes.filter(({ status }) => status === null);
  if (silent.length > 0) {
    return {
      severity: 'warning',
      text: `DEGRADED: ${silence(silent)}; ${nodes.length - silent.length} of ${nodes.length} serve, ${leadership(view)}`,
      next: 'clients are served; start it, and it catches up by itself',
    };
  }
  const behind = nodes.filter(({ follower }) => follower !== null && follower.status !== 'healthy');
  if (behind.length === 0) return undefined;
  const who = behind.map((node) => `${nameOf(node)} is ${node.follower!.status}`).join(', ');
  return {
    severity: 'warning',
    text: `CATCHING UP: ${who}; ${leadership(view)}`,
    next: 'if the lag does not shrink: `bombarder cluster resync --target ADDR`',
  };
}

function health(view: ClusterView): Condition {
  return { severity: 'good', text: `HEALTHY: all ${view.nodes.length} nodes serve, ${leadership(view)}` };
}

function leadership({ nodes, leader, term }: ClusterView): string {
  return `${nameOf(nodes[leader!]!)} leads in term ${term}`;
}

function silence(silent: readonly NodeView[]): string {
  return `${silent.map(nameOf).join(' and ')} ${silent.length === 1 ? 'does' : 'do'} not answer`;
}

/** Whole seconds: `0s`, `12s`, `1m30s`. */
function age(milliseconds: number): string {
  return formatDuration(Math.max(0, Math.floor(milliseconds / 1000)) * 1000).replace(/^0ms$/, '0s');
}

const COLUMNS: readonly Column[] = [
  {
    head: 'node',
    align: 'left',
    cell: ({ node, address }) => ({ text: node === null ? address : String(node) }),
  },
  {
    head: 'role',
    align: 'left',
    cell({ status }, _view, colors) {
      if (status === null) return { text: 'no answer', paint: colors.red };
      return status.is_leader ? { text: 'leader', paint: colors.bold } : { text: status.role };
    },
  },
  { head: 'term', align: 'right', cell: ({ status }) => number(status?.term) },
  { head: 'commit', align: 'right', cell: ({ status }) => number(status?.commit_index) },
  { head: 'applied', align: 'right', cell: ({ status }) => number(status?.applied_index) },
  {
    head: 'lag',
    align: 'right',
    cell({ follower }, _view, colors) {
      if (follower === null) return NONE;
      const healthy = follower.status === 'healthy';
      return { text: isUnheard(follower) ? '?' : String(follower.lag), ...(healthy ? {} : { paint: colors.yellow }) };
    },
  },
  {
    head: 'heard',
    align: 'right',
    cell({ follower }, _view, colors) {
      if (follower?.last_contact_ms == null) return NONE;
      const late = follower.status === 'desynced';
      return { text: contact(follower.last_contact_ms), ...(late ? { paint: colors.red } : {}) };
    },
  },
  { head: 'entries', align: 'right', cell: ({ status }) => number(status?.entries) },
  {
    head: 'ops/s',
    align: 'right',
    cell: ({ operationsPerSecond: rate }) => (rate === null ? NONE : { text: String(Math.round(rate)) }),
  },
  {
    head: 'state',
    align: 'left',
    cell({ agreement }, _view, colors) {
      if (agreement === 'equal') return { text: '✔ same', paint: colors.green };
      return agreement === 'different' ? { text: '✘ DIFFERS', paint: colors.red } : NONE;
    },
  },
];

const ADDRESS: Column = { head: 'address', align: 'left', cell: ({ address }) => ({ text: address }) };
const HASH: Column = {
  head: 'hash',
  align: 'left',
  cell: ({ status }) => (status === null ? NONE : { text: status.state_hash }),
};

function number(value: number | undefined): Cell {
  return value === undefined ? NONE : { text: String(value) };
}

/** `0.1s`, `12s`, `3m`: how long ago, in as few characters as it takes. */
function contact(milliseconds: number): string {
  const seconds = milliseconds / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)}s`;
  return seconds < 120 ? `${Math.round(seconds)}s` : `${Math.round(seconds / 60)}m`;
}

function nodeTable(view: ClusterView, { width, colors }: Screen): string[] {
  const wide = width >= WIDE;
  const [first, ...rest] = COLUMNS;
  const shown = wide ? [first!, ADDRESS, ...rest, HASH] : COLUMNS;
  const rows = view.nodes.map((node) => shown.map((column) => column.cell(node, view, colors)));
  const widths = shown.map(({ head }, place) => Math.max(head.length, ...rows.map((row) => row[place]!.text.length)));
  const gap = widths.reduce((sum, each) => sum + each + 2, -2) <= width ? '  ' : ' ';
  const pad = (text: string, place: number) =>
    shown[place]!.align === 'left' ? text.padEnd(widths[place]!) : text.padStart(widths[place]!);
  const line = (cells: readonly Cell[]) => {
    let left = width;
    return cells
      .map(({ text, paint }, place) => {
        // What has no room is cut, not wrapped: a line is a node.
        const cut = (place === 0 ? '' : gap) + pad(text, place);
        const whole = cut.slice(0, Math.max(0, left));
        left -= whole.length;
        return paint ? paint(whole) : whole;
      })
      .join('');
  };
  return [colors.dim(line(shown.map(({ head }) => ({ text: head })))), ...rows.map(line)];
}

function eventLines(events: readonly ClusterEvent[], { now, width, colors }: Screen): string[] {
  const paint = { good: colors.green, bad: colors.red, neutral: (text: string) => text };
  return events.map(({ at, severity, text }) => {
    return `${colors.dim(`${age(now - at)} ago`.padStart(11))}  ${paint[severity](shorten(text, width - 13))}`;
  });
}

/** Without a terminal: one line a look. */
export function renderLine(view: ClusterView, log: EventLog): string {
  const up = view.nodes.filter(({ status }) => status !== null).length;
  const applied = Math.max(0, ...view.nodes.map(({ status }) => status?.applied_index ?? 0));
  const rate = view.nodes.reduce((sum, node) => sum + (node.operationsPerSecond ?? 0), 0);
  const figures = `${up}/${view.nodes.length} up, applied ${applied}, ${Math.round(rate)} ops/s`;
  return `${new Date(view.at).toISOString()}  ${conditionOf(view, log).text}  (${figures})`;
}
