/** Where in etcd's one space of keys the load's are. No import, since k6 and Node both read it. */

/** Entries: what the history tells of. */
export const ENTRIES = 'entries/';
/** The first text after all that begin with `ENTRIES`. */
export const ENTRIES_END = 'entries0';
/** By client: the number of its last write that was executed. See loadtests/client.ts. */
export const MARKERS = 'markers/';
