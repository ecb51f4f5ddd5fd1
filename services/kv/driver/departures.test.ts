import { expect, test } from '@jest/globals';
import { Departures } from './departures.ts';

test('who leaves stays connected for the grace, unless it comes back; who moves is dialled at its new place', () => {
  let now = 0;
  let connected: string[] = [];
  const setPeers: ConstructorParameters<typeof Departures>[0]['setPeers'] = (places) => {
    connected = places.map(({ node, peerPort }) => `${node}:${peerPort}`);
  };
  const departures = new Departures({ setPeers }, 1000, () => now);
  const place = (node: number, peerPort = 9000 + node) => ({ node, host: '127.0.0.1', peerPort });
  departures.follow([place(1), place(2)]);
  departures.follow([place(1)]);
  expect(connected).toEqual(['1:9001', '2:9002']);
  now = 500;
  departures.follow([place(1, 9500)]);
  departures.look();
  expect(connected).toEqual(['1:9500', '2:9002']);
  now = 1000;
  departures.look();
  expect(connected).toEqual(['1:9500']);
  departures.follow([]);
  departures.follow([place(1)]);
  now = 5000;
  departures.look();
  expect(connected).toEqual(['1:9001']);
});
