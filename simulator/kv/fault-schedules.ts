import type { Prng } from '../../kit/prng.ts';
import type { Fault, Micros, Target } from '../types.ts';
import type { KvAction } from './types.ts';

type KvFault = Fault<KvAction>;

const MS = 1000;
const LEADER: Target = { role: 'leader', nth: 0 };
const SIGNALLED: Target = { role: 'signalled', nth: 0 };

/** What a schedule is drawn with: its generator, and the time at which it begins. */
interface Draw {
  readonly random: Prng;
  readonly atUs: Micros;
}

/** A few things that go wrong together, so that a situation is reached in which bugs of this kind show. */
type Schedule = (draw: Draw) => readonly KvFault[];

function anybody(random: Prng): Target {
  return { role: 'any', nth: random.integer(0, 60) };
}

function follower(random: Prng): Target {
  return { role: 'follower', nth: random.integer(0, 60) };
}

/** From `min` to `max` milliseconds. */
function forMs(random: Prng, min: number, max: number): Micros {
  return random.integer(min, max + 1) * MS;
}

const crashes: Schedule = ({ random, atUs }) => [
  { kind: 'crash', atUs, target: random.pick([LEADER, anybody(random)]), forUs: forMs(random, 5, 800) },
];

/** Leaders that crash while their entries are under way: what an earlier term left is on some disks and not on others (Figure 3.7). */
const crashWhileAppending: Schedule = ({ random, atUs }) =>
  Array.from({ length: random.integer(2, 6) }, (_, i) => ({
    kind: 'crash' as const,
    atUs: atUs + i * 150 * MS,
    on: { signal: 'appended', delayUs: random.integer(0, 6 * MS) },
    target: SIGNALLED,
    forUs: forMs(random, 100, 900),
  }));

/** A new leader is cut off, or stands still, at once; then the one after it. */
const unluckyLeaders: Schedule = ({ random, atUs }) =>
  Array.from({ length: random.integer(1, 4) }, (_, i): KvFault => {
    const begins = { atUs: atUs + i * 200 * MS, on: { signal: 'elected', delayUs: random.integer(0, 30 * MS) } };
    const forUs = forMs(random, 200, 1200);
    if (random.integer(0, 3) === 0) return { ...begins, kind: 'pause', target: SIGNALLED, forUs };
    return { ...begins, kind: 'isolate', target: SIGNALLED, direction: direction(random), forUs };
  });

function direction(random: Prng): 'both' | 'in' | 'out' {
  return random.pick(['both', 'in', 'out'] as const);
}

const isolation: Schedule = ({ random, atUs }) => [
  {
    kind: 'isolate',
    atUs,
    target: random.pick([LEADER, anybody(random)]),
    direction: direction(random),
    forUs: forMs(random, 100, 2500),
  },
];

const split: Schedule = ({ random, atUs }) => [
  {
    kind: 'split',
    atUs,
    target: random.pick([LEADER, anybody(random)]),
    share: random.pick([0.4, 0.5]),
    beside: random.pick(['oldest', 'newest'] as const),
    forUs: forMs(random, 200, 2000),
  },
];

const flapping: Schedule = ({ random, atUs }) => [
  {
    kind: 'flap',
    atUs,
    target: anybody(random),
    everyUs: forMs(random, 40, 600),
    count: random.integer(2, 8),
    forUs: forMs(random, 1000, 2500),
  },
];

const storm: Schedule = ({ random, atUs }) => [
  {
    kind: 'storm',
    atUs,
    loss: random.pick([0.1, 0.3]),
    duplication: random.pick([0, 0.2]),
    reordering: random.pick([0.1, 0.4]),
    forUs: forMs(random, 200, 1500),
  },
];

/** A leader is cut off with what it was given, until the others have compacted what took its place; clients go on asking it. */
const losingSuffix: Schedule = ({ random, atUs }) => [
  {
    kind: 'isolate',
    atUs,
    on: { signal: 'appended', delayUs: 0 },
    target: SIGNALLED,
    direction: random.pick(['both', 'out'] as const),
    forUs: forMs(random, 1200, 3500),
  },
  { kind: 'act', atUs: atUs + 1000 * MS, action: { type: 'snapshot', node: LEADER }, forUs: MS },
];

/** A node is away for long and comes back by a snapshot; something happens while that travels. */
const latecomer: Schedule = ({ random, atUs }) => {
  const target = follower(random);
  const on = { signal: 'snapshotBegun', delayUs: random.integer(0, 20 * MS) };
  const during: readonly KvFault[] = [
    { kind: 'crash', atUs, on, target: SIGNALLED, forUs: forMs(random, 10, 300) },
    { kind: 'crash', atUs, on, target: LEADER, forUs: forMs(random, 10, 500) },
    { kind: 'storm', atUs, on, loss: 0.2, duplication: 0.2, reordering: 0.4, forUs: forMs(random, 50, 500) },
    { kind: 'act', atUs, on, action: { type: 'transfer', to: anybody(random) }, forUs: MS },
    { kind: 'act', atUs, on, action: { type: 'snapshot', node: LEADER }, forUs: MS },
  ];
  return [
    { kind: random.integer(0, 2) === 0 ? 'crash' : 'pause', atUs, target, forUs: forMs(random, 800, 3000) },
    random.pick(during),
  ];
};

/** Snapshots that nobody needed, to a follower that has the log, just when the leader has made one. */
const forcedSnapshot: Schedule = ({ random, atUs }) => [
  { kind: 'act', atUs, action: { type: 'snapshot', node: LEADER }, forUs: MS },
  ...Array.from({ length: 4 }, (_, i): KvFault => {
    const on = { signal: 'snapshotStored', delayUs: random.integer(0, 2 * MS) };
    return {
      kind: 'act',
      atUs: atUs + i * 100 * MS,
      on,
      action: { type: 'forceSnapshot', to: follower(random) },
      forUs: MS,
    };
  }),
  { kind: 'storm', atUs, loss: 0.2, duplication: 0.2, reordering: 0.3, forUs: forMs(random, 300, 1000) },
];

/**
 * A follower crashes when the leader has just stored a snapshot, and is sent it as soon as it is back: it has entries behind the snapshot's
 * last one, and does not know yet that they are committed.
 */
const snapshotAfterRestart: Schedule = ({ random, atUs }) => {
  const target = anybody(random);
  const signal = 'snapshotStored';
  const sendings = [4, 7, 11, 16].map((ms): KvFault => {
    const action = { type: 'forceSnapshot' as const, to: target };
    return { kind: 'act', atUs, on: { signal, delayUs: ms * MS }, action, forUs: MS };
  });
  const on = { signal, delayUs: random.integer(0, 2 * MS) };
  const amidWrites = { signal: 'appended', delayUs: random.integer(500, 15 * MS) };
  const snapshot: KvFault = {
    kind: 'act',
    atUs,
    on: amidWrites,
    action: { type: 'snapshot', node: LEADER },
    forUs: MS,
  };
  return [snapshot, { kind: 'crash', atUs, on, target, forUs: forMs(random, 1, 4) }, ...sendings];
};

const transfer: Schedule = ({ random, atUs }) => [
  { kind: 'act', atUs, action: { type: 'transfer', to: anybody(random) }, forUs: MS },
];

const transferInPartition: Schedule = ({ random, atUs }) => {
  const target = follower(random);
  return [
    { kind: 'isolate', atUs, target, direction: direction(random), forUs: forMs(random, 300, 1500) },
    { kind: 'act', atUs: atUs + forMs(random, 1, 200), action: { type: 'transfer', to: target }, forUs: MS },
  ];
};

/** The membership changes, and its leader is hit inside the joint configuration. */
const jointTrouble: Schedule = ({ random, atUs }) => {
  const node = random.pick([LEADER, anybody(random)]);
  const action: KvAction = random.pick([
    { type: 'replaceAll' },
    { type: 'replace', node },
    { type: 'shrink', node },
  ] as const);
  const on = { signal: 'votersChanged', delayUs: random.integer(0, 15 * MS) };
  const forUs = forMs(random, 50, 1500);
  const trouble: readonly KvFault[] = [
    { kind: 'crash', atUs, on, target: SIGNALLED, forUs },
    { kind: 'isolate', atUs, on, target: SIGNALLED, direction: direction(random), forUs },
    { kind: 'split', atUs, on, target: SIGNALLED, share: 0.5, beside: 'oldest', forUs },
    { kind: 'pause', atUs, on, target: SIGNALLED, forUs },
  ];
  return [{ kind: 'act', atUs, action, forUs: MS }, random.pick(trouble)];
};

const membership: Schedule = ({ random, atUs }) => {
  const node = random.pick([LEADER, anybody(random)]);
  const actions: readonly KvAction[] = [
    { type: 'grow' },
    { type: 'shrink', node },
    { type: 'replace', node },
    { type: 'replaceAll' },
  ];
  return [{ kind: 'act', atUs, action: random.pick(actions), forUs: MS }];
};

const lostDisk: Schedule = ({ random, atUs }) => [
  {
    kind: random.pick(['wipe', 'flipBit'] as const),
    atUs,
    target: random.pick([LEADER, anybody(random)]),
    forUs: forMs(random, 5, 500),
  },
];

/** The vote is given, the voter loses its data, and is asked again in the same term. */
const lostVote: Schedule = ({ random, atUs }) => [
  { kind: 'isolate', atUs, target: LEADER, direction: 'both', forUs: forMs(random, 600, 1500) },
  {
    kind: 'wipe',
    atUs,
    on: { signal: 'candidate', delayUs: random.integer(0, 10 * MS) },
    target: follower(random),
    forUs: forMs(random, 1, 20),
  },
];

/** Power cuts for all, one after the other, around an election: votes and terms that were not durable are forgotten. */
const blackouts: Schedule = ({ random, atUs }) => [
  { kind: 'blackout', atUs, forUs: forMs(random, 1, 300) },
  {
    kind: 'blackout',
    atUs,
    on: { signal: 'candidate', delayUs: random.integer(0, 8 * MS) },
    forUs: forMs(random, 1, 20),
  },
];

/**
 * One node is away while the others elect a leader, and all lose power just then. Back, it stands for the very term that the others have
 * voted in: whoever has forgotten votes again.
 */
const forgottenElection: Schedule = ({ random, atUs }) => [
  { kind: 'crash', atUs, target: anybody(random), forUs: forMs(random, 300, 700) },
  { kind: 'crash', atUs, target: LEADER, forUs: forMs(random, 1, 5) },
  {
    kind: 'blackout',
    atUs,
    on: { signal: 'elected', delayUs: random.pick([0, 100, 500]) },
    forUs: forMs(random, 1, 5),
  },
];

/** Voters crash as soon as they have been asked, and are back before the election is over. */
const forgetfulVoters: Schedule = ({ random, atUs }) => [
  { kind: 'crash', atUs, target: LEADER, forUs: forMs(random, 500, 1500) },
  ...Array.from(
    { length: random.integer(1, 4) },
    (_, i): KvFault => ({
      kind: 'crash',
      atUs: atUs + i * 50 * MS,
      on: { signal: 'candidate', delayUs: random.integer(500, 10 * MS) },
      target: follower(random),
      forUs: forMs(random, 1, 15),
    }),
  ),
];

/**
 * Figure 3.7 of the thesis: one leader is cut off with entries that only it has, the next one with the entry that opens its term; the first
 * is elected again, brings its old entries to a majority, and crashes just then; the second comes back.
 */
const earlierTerms: Schedule = ({ random, atUs }) =>
  [0, 2500 * MS].flatMap((later): KvFault[] => {
    const first = atUs + later;
    const then = first + 20 * MS;
    const cut = { kind: 'isolate', target: SIGNALLED, direction: 'both' } as const;
    return [
      { ...cut, atUs: first, on: { signal: 'appended', delayUs: 0 }, forUs: forMs(random, 500, 900) },
      { ...cut, atUs: then, on: { signal: 'elected', delayUs: 0 }, forUs: forMs(random, 1000, 1600) },
      {
        kind: 'crash',
        atUs: then,
        on: { signal: 'earlierTermOnMajority', delayUs: random.integer(0, 2 * MS) },
        target: SIGNALLED,
        forUs: forMs(random, 1500, 2500),
      },
    ];
  });

/** All voters are exchanged, and those who leave are cut off from the leader and those who come, before they know. */
const oldVotersAlone: Schedule = ({ random, atUs }) => [
  { kind: 'act', atUs, action: { type: 'replaceAll' }, forUs: MS },
  {
    kind: 'split',
    atUs,
    on: { signal: 'votersChanged', delayUs: 0 },
    target: SIGNALLED,
    share: 0.67,
    beside: 'newest',
    forUs: forMs(random, 800, 2500),
  },
];

/** A follower that hears nobody stands for election again and again, and everybody hears it. */
const deafFollower: Schedule = ({ random, atUs }) => [
  { kind: 'isolate', atUs, target: follower(random), direction: 'in', forUs: forMs(random, 600, 2500) },
];

/** All lose power when a leader has just been elected, and that one stays away: who forgot its term or vote elects another in it. */
const amnesia: Schedule = ({ random, atUs }) => {
  const on = { signal: 'elected', delayUs: random.integer(0, 8 * MS) };
  return [
    { kind: 'crash', atUs, target: LEADER, forUs: forMs(random, 500, 1500) },
    { kind: 'crash', atUs: atUs + 1, on, target: SIGNALLED, forUs: forMs(random, 1200, 2500) },
    { kind: 'blackout', atUs: atUs + 1, on, forUs: forMs(random, 1, 20) },
  ];
};

const disks: Schedule = ({ random, atUs }) => {
  const target = random.pick([LEADER, follower(random)]);
  if (random.integer(0, 2) === 0) return [{ kind: 'fullDisk', atUs, target, forUs: forMs(random, 100, 2500) }];
  const sync = { kind: 'uniform' as const, minUs: 50 * MS, maxUs: 400 * MS };
  return [{ kind: 'slowDisk', atUs, target, sync, forUs: forMs(random, 200, 2000) }];
};

/** A leader whose clock is wrong is cut off: it believes in its leadership for too long. */
const skewedLeader: Schedule = ({ random, atUs }) => [
  {
    kind: 'skewClock',
    atUs,
    target: LEADER,
    rate: random.pick([0.1, 0.2, 0.2, 0.5, 2]),
    jumpUs: random.integer(-5_000_000, 5_000_000),
    forUs: forMs(random, 1500, 3000),
  },
  {
    kind: 'isolate',
    atUs: atUs + forMs(random, 50, 300),
    target: LEADER,
    direction: random.pick(['both', 'in', 'out'] as const),
    forUs: forMs(random, 600, 2000),
  },
];

const pause: Schedule = ({ random, atUs }) => [
  { kind: 'pause', atUs, target: random.pick([LEADER, anybody(random)]), forUs: forMs(random, 100, 1500) },
];

const SCHEDULES: readonly Schedule[] = [
  crashes,
  crashes,
  crashWhileAppending,
  unluckyLeaders,
  isolation,
  isolation,
  split,
  flapping,
  storm,
  losingSuffix,
  latecomer,
  latecomer,
  forcedSnapshot,
  snapshotAfterRestart,
  snapshotAfterRestart,
  transfer,
  transferInPartition,
  jointTrouble,
  jointTrouble,
  membership,
  lostDisk,
  lostVote,
  blackouts,
  forgetfulVoters,
  forgottenElection,
  earlierTerms,
  earlierTerms,
  oldVotersAlone,
  deafFollower,
  amnesia,
  disks,
  skewedLeader,
  skewedLeader,
  pause,
];

/** What goes wrong in one run: up to eight schedules at random times. */
export function generateFaults(random: Prng, fromUs: Micros, toUs: Micros): KvFault[] {
  const count = random.integer(1, 9);
  const faults = Array.from({ length: count }, () => {
    const atUs = random.integer(fromUs, toUs - 500 * MS);
    return random.pick(SCHEDULES)({ random, atUs });
  }).flat();
  return faults.filter(({ atUs }) => atUs < toUs).sort((a, b) => a.atUs - b.atUs);
}
