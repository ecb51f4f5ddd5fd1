/** Sets of positions in a list, as they are written on a command line: `3,7,12-18`, or `none`. */

/** @param indices ascending */
export function formatIndices(indices: readonly number[]): string {
  if (indices.length === 0) return 'none';
  const ranges: string[] = [];
  for (let i = 0; i < indices.length; ) {
    const first = indices[i]!;
    let last = first;
    while (indices[i + 1] === last + 1) last = indices[++i]!;
    i += 1;
    ranges.push(first === last ? `${first}` : `${first}-${last}`);
  }
  return ranges.join(',');
}

/** @returns ascending, each once; or null when `text` is no such set */
export function parseIndices(text: string): number[] | null {
  if (text === 'none') return [];
  const indices = new Set<number>();
  for (const range of text.split(',')) {
    const [, first, last] = /^(\d{1,6})(?:-(\d{1,6}))?$/.exec(range) ?? [];
    if (first === undefined || Number(last ?? first) < Number(first)) return null;
    for (let i = Number(first); i <= Number(last ?? first); i++) indices.add(i);
  }
  return [...indices].sort((a, b) => a - b);
}
