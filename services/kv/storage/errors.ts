/** The disk holds something that no crash can explain. The node must not take part with it: what it promised may be lost. */
export class StorageCorruptError extends Error {
  override name = 'StorageCorruptError';
  readonly code = 'STORAGE_CORRUPT';
  readonly file: string;
  /** Byte in the file where the damage begins. */
  readonly offset: number;

  constructor(file: string, offset: number, what: string) {
    super(
      `${file} is damaged at byte ${offset}: ${what}. This node may have lost what it acknowledged and must not take part with ` +
        'this directory. Keep it for examination, and rejoin under a new id with an empty one: ' +
        'stress_node --node-id <new id> --port <port> --join <ports of the others>',
    );
    this.file = file;
    this.offset = offset;
  }
}

/** No space left; nothing of what was to be written counts as written. It may be tried again. */
export class DiskFullError extends Error {
  override name = 'DiskFullError';
  readonly code = 'STORAGE_FULL';

  constructor(path: string, cause: unknown) {
    super(`no space left for ${path}`, { cause });
  }
}

/** The directory cannot be used: another node holds it, or it belongs to another node, cluster or version. */
export class DataDirectoryError extends Error {
  override name = 'DataDirectoryError';
  readonly code: 'LOCKED' | 'FOREIGN' | 'VERSION';

  constructor(code: DataDirectoryError['code'], message: string) {
    super(message);
    this.code = code;
  }
}

export function isDiskFull(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException | null)?.code;
  return code === 'ENOSPC' || code === 'EDQUOT';
}
