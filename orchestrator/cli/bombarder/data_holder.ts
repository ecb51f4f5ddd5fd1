/** Which process works on a node's data directory, whoever started it: by `bombarder`, by hand, or by a service manager. */
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { tryLock } from 'fs-native-extensions';
import { identify, type ProcessIdentity } from '../../cluster/identity.ts';

/** A node locks this file in its data directory as long as it lives, and writes its process id into it. */
const LOCK_FILE = 'LOCK';

/** Undefined when no process does, also when one died and left its file. */
export function dataHolder(directory: string): ProcessIdentity | undefined {
  const file = join(directory, LOCK_FILE);
  const pid = Number(readText(file));
  const identity = pid > 0 ? identify(pid) : undefined;
  // The number may have been given to another process since: only the holder of the lock is the node.
  return identity !== undefined && isLocked(file) ? identity : undefined;
}

function isLocked(file: string): boolean {
  const descriptor = openSync(file, 'r+');
  try {
    return !tryLock(descriptor);
  } finally {
    closeSync(descriptor); // And with it the lock, had it been free.
  }
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return '';
  }
}
