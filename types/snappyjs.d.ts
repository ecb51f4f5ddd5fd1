declare module 'snappyjs' {
  /** Snappy's block format. */
  export function compress(input: Uint8Array): Uint8Array;
  export function uncompress(input: Uint8Array): Uint8Array;
}
