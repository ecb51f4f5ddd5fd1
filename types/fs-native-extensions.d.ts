/** The part that is used here of a package without types of its own. */
declare module 'fs-native-extensions' {
  /**
   * Takes an exclusive lock (shared with `shared: true`) on an open file, to the end of the file by default. The operating
   * system releases it when the file is closed or its holder dies. Returns false when another open file holds it.
   */
  export function tryLock(fd: number, offset?: number, length?: number, options?: { shared?: boolean }): boolean;
}
