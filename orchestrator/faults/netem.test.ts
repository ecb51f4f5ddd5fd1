import { describe, expect, test } from '@jest/globals';
import { netemAvailable, netemScript } from './netem.ts';

const LINUX_ROOT = { platform: 'linux', root: true };
const works = () => undefined;

describe('packet loss', () => {
  test('is available where netem was tried and worked', () => {
    const tried: string[] = [];
    expect(
      netemAvailable((command, words) => {
        tried.push([command, ...words].join(' '));
        return undefined;
      }, LINUX_ROOT),
    ).toBe(true);
    // In a namespace of its own: trying must not touch this machine's loopback.
    expect(tried.at(-1)).toBe('unshare --net tc qdisc add dev lo root netem loss 1%');
  });

  test.each([
    ['another system', works, { platform: 'darwin', root: true }, 'darwin has no netem'],
    ['not root', works, { platform: 'linux', root: false }, 'needs root'],
    ['no tc', (command: string) => (command === 'tc' ? 'not found' : undefined), LINUX_ROOT, 'needs tc'],
    [
      'a kernel without it',
      (command: string) => (command === 'unshare' ? 'Error: Specified qdisc kind is unknown.' : undefined),
      LINUX_ROOT,
      'needs a kernel with sch_netem: Error: Specified qdisc kind is unknown.',
    ],
  ])('is not available with %s, and says why', (_, probe, machine, expected) => {
    expect(netemAvailable(probe, machine)).toContain(expected);
  });

  test('concerns the ports of the targets only, and is taken away when the shell ends, however it is ended', () => {
    const script = netemScript([9081, 9082], 0.005);
    expect(script).toContain('netem loss 0.5%');
    expect(script.match(/match ip dport \d+/g)).toEqual(['match ip dport 9081', 'match ip dport 9082']);
    expect(script.split('\n').slice(0, 2)).toEqual(['trap "tc qdisc del dev lo root" EXIT', 'trap "exit 0" TERM INT']);
  });
});
