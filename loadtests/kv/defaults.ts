/**
 * What the scripts do when they are not told how much: the document's defaults where it states them, and for `burst` and `mixed`
 * loads of about the size of a flood. Pure data: the command line shows the same numbers.
 * Source: requirements/lithair-replication-stress.md, "Stress Tests".
 */
import type { LoadDefaults } from '../lib/environment.ts';

export const FLOOD = { count: 100, concurrency: 10 } satisfies LoadDefaults;

/** Every write of a burst at once, `size` × `bursts` in all. */
export const BURST = { count: 250, concurrency: 50, burst: { size: 50, pauseSeconds: 1 } } satisfies LoadDefaults;

/** A quarter each. */
export const MIXED = { count: 200, concurrency: 10, readShare: 0.25 } satisfies LoadDefaults;

export const STORM = { count: 500, concurrency: 50, readShare: 0.5 } satisfies LoadDefaults;
