import { describe, expect, test } from '@jest/globals';
import { formatAddress, initialMembers, parseAddress, parseAddresses } from './addresses.ts';

const self = (id: number, port: number) => ({ id, host: '127.0.0.1', port, peerPort: port + 1000 });

describe('parseAddress', () => {
  test.each([
    ['8081', { id: null, host: '127.0.0.1', port: 8081, peerPort: 9081 }],
    ['kv-1.kv:8081', { id: null, host: 'kv-1.kv', port: 8081, peerPort: 9081 }],
    ['localhost:8081', { id: null, host: '127.0.0.1', port: 8081, peerPort: 9081 }],
    ['2@10.0.0.3:8081/9999', { id: 2, host: '10.0.0.3', port: 8081, peerPort: 9999 }],
  ])('%s', (text, expected) => {
    expect(parseAddress(text, '127.0.0.1')).toEqual(expected);
  });

  test('what is formatted can be parsed again', () => {
    const address = { host: '10.0.0.3', port: 8081, peerPort: 9999 };
    expect(parseAddress(formatAddress(address), 'x')).toEqual({ id: null, ...address });
  });

  test.each(['', 'abc', ':8081', '8081/', '1@', '-1@h:80', 'h:80:90', '8081 8082', '[::1]:80', '8o81'])(
    '%j is refused',
    (text) => {
      expect(() => parseAddress(text, 'h')).toThrow(`"${text}" is no address: requires PORT, HOST:PORT`);
    },
  );

  test('ports out of range are refused, the derived peer port too', () => {
    expect(() => parseAddress('0', 'h')).toThrow('"0" uses port 0: requires 1 to 65535');
    expect(() => parseAddress('65000', 'h')).toThrow('"65000" uses port 66000');
    expect(parseAddress('65000/9000', 'h')).toMatchObject({ port: 65000, peerPort: 9000 });
  });

  test('a list may have blanks but no empty element', () => {
    expect(parseAddresses('8081, 8082', 'h').map((address) => address.port)).toEqual([8081, 8082]);
    expect(() => parseAddresses('8081,,8082', 'h')).toThrow('"" is no address');
  });
});

describe('initialMembers', () => {
  test('with bare ports every node works out the same table', () => {
    const expected = [self(0, 8080), self(1, 8081), self(2, 8082)];
    expect(initialMembers(self(0, 8080), '8081,8082')).toEqual(expected);
    expect(initialMembers(self(1, 8081), '8082,8080')).toEqual(expected);
    expect(initialMembers(self(2, 8082), '127.0.0.1:8080,localhost:8081')).toEqual(expected);
  });

  test('an id that is not the rank is refused with the table', () => {
    expect(() => initialMembers(self(2, 8081), '8080,8082')).toThrow(
      [
        '--node-id 2 with --port 8081 and --peers 8080,8082: ids are the ranks of the ports in ascending order, so this is node 1:',
        '  node 0  127.0.0.1:8080',
        '  node 1  127.0.0.1:8081  <- this one',
        '  node 2  127.0.0.1:8082',
        'Start it with --node-id 1, or choose the ids yourself: --peers ID@HOST:PORT,…',
      ].join('\n'),
    );
  });

  test('explicit ids need not be ranks, and the list may name this node', () => {
    const others = '7@127.0.0.1:8080/9001,5@127.0.0.1:8082';
    const members = initialMembers(self(6, 8081), others);
    expect(members.map((member) => [member.id, member.port, member.peerPort])).toEqual([
      [5, 8082, 9082],
      [6, 8081, 9081],
      [7, 8080, 9001],
    ]);
    expect(initialMembers(self(6, 8081), `${others},6@127.0.0.1:8081`)).toEqual(members);
  });

  test.each([
    ['8080,8082', "names this node's own port 8080: list the other nodes only"],
    ['8081,8081', "127.0.0.1:8081 is both node 1's port and node 2's port: choose other ports"],
    ['8081,9080', "127.0.0.1:9080 is both node 0's peer port and node 2's port"],
    ['1@h:1,8082', 'requires an id for every peer (ID@HOST:PORT) or for none'],
    ['10.0.0.7:8081', "10.0.0.7:8081 is not on this node's host 127.0.0.1"],
    ['1@h:8081,1@h:8082', 'has node 1 twice'],
    ['0@127.0.0.1:8089', 'has node 0 at 127.0.0.1:8089/9089, but this node 0 is at 127.0.0.1:8080/9080'],
  ])('--peers %s at node 0 on 8080: %s', (peers, message) => {
    expect(() => initialMembers(self(0, 8080), peers)).toThrow(message);
  });
});
