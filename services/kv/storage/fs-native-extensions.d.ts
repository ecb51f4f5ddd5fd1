/** The part of the package that is used here; it ships no types. */
declare module 'fs-native-extensions' {
  /** Takes an exclusive lock of the whole file without waiting; false when somebody else holds it. */
  export function tryLock(fd: number): boolean;
}
