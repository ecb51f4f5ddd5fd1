import { describe, expect, test } from '@jest/globals';
import { Prng } from '../../../kit/prng.ts';
import { BinaryReader, BinaryWriter, MalformedError } from '../binary.ts';
import type { Message } from '../core/raft/types.ts';
import { MESSAGE_TYPES, readMessage, writeMessage } from './codec.ts';
import { type Frame, FrameSplitter, readFrame, writeFrame } from './frame.ts';

const data = new Uint8Array([1, 2, 3]);
const address = { from: 2, to: 0, term: 7 };
const membership = {
  voters: [0, 1],
  votersOutgoing: [2],
  learners: [3],
  retired: [4, 300],
  addresses: { 0: 'a:1/2#x', 3: 'b:3/4#y' },
};

const MESSAGES: readonly Message[] = [
  { type: 'requestVote', ...address, pre: true, lastLogIndex: 300, lastLogTerm: 6, transfer: false },
  { type: 'vote', ...address, pre: false, granted: true },
  {
    type: 'append',
    ...address,
    prevLogIndex: 9,
    prevLogTerm: 5,
    leaderCommit: 2 ** 40,
    entries: [
      { index: 10, term: 5, kind: 'noop', data: new Uint8Array() },
      { index: 11, term: 7, kind: 'command', data },
      { index: 12, term: 7, kind: 'membership', data },
    ],
  },
  { type: 'appended', ...address, success: false, matchIndex: 3, hintTerm: 2, rejectedIndex: 9 },
  { type: 'heartbeat', ...address, leaderCommit: 5, readRound: 1 },
  { type: 'heartbeatAck', ...address, readRound: 200 },
  {
    type: 'installSnapshot',
    ...address,
    snapshot: { index: 8, term: 4, membership, size: 3 },
    offset: 0,
    data,
    done: true,
  },
  { type: 'snapshotAck', ...address, index: 8, offset: 3, installed: true },
  { type: 'timeoutNow', ...address },
  { type: 'forwardProposals', ...address, incarnation: 3, sequence: 9, proposals: [{ id: 'é-1', data }] },
  { type: 'proposalsRefused', ...address, ids: ['a', 'b'], reason: 'busy' },
  { type: 'forwardReads', ...address, ids: ['r'] },
  { type: 'readsConfirmed', ...address, ids: ['r'], index: Number.MAX_SAFE_INTEGER },
  { type: 'readsRefused', ...address, ids: [], reason: 'notLeader' },
];

const FRAME: Frame = {
  from: 2,
  sender: {
    durableIndex: 12,
    quorumDurableIndex: 10,
    storageFull: true,
    checkpoint: { index: 256, hash: '00ff00ff00ff00ff' },
  },
  messages: MESSAGES,
};

function encode(frame: Frame): Buffer {
  const writer = new BinaryWriter(8);
  writeFrame(writer, frame);
  return Buffer.from(writer.view());
}

describe('messages', () => {
  test.each(MESSAGES.map((message) => [message.type, message] as const))(
    '%s is read as it was written',
    (_, message) => {
      const writer = new BinaryWriter();
      writeMessage(writer, message);
      const reader = new BinaryReader(writer.view());
      expect(readMessage(reader)).toEqual(message);
      reader.end();
    },
  );

  test('every type is tried above', () => {
    expect(MESSAGES.map((it) => it.type).sort()).toEqual([...MESSAGE_TYPES].sort());
  });
});

describe('frames', () => {
  test('arrive whole, however the bytes are cut', () => {
    const frames = [FRAME, { ...FRAME, messages: [] }, FRAME];
    const stream = Buffer.concat(frames.map(encode));
    for (const size of [1, 2, 3, 7, 100, stream.length]) {
      const splitter = new FrameSplitter();
      const got: Frame[] = [];
      for (let at = 0; at < stream.length; at += size) got.push(...splitter.push(stream.subarray(at, at + size)));
      expect(got).toEqual(frames);
      expect(splitter.pending).toBe(false);
    }
  });

  test('a length beyond the bound is refused before memory is taken', () => {
    expect(() => [...new FrameSplitter().push(Buffer.from('ffffffff', 'hex'))]).toThrow('is too long');
  });

  test('a frame of another version is refused', () => {
    const frame = encode(FRAME);
    frame[4] = 9;
    expect(() => readFrame(frame.subarray(4))).toThrow('version 9 of the peer protocol is not 1');
  });

  test('a frame that is cut anywhere is refused', () => {
    const valid = encode(FRAME).subarray(4);
    for (let size = 0; size < valid.length; size++)
      expect(() => readFrame(valid.subarray(0, size))).toThrow(MalformedError);
  });

  test('random bytes, cut and flipped frames end in MalformedError or in a frame, nothing else', () => {
    const random = new Prng(20260131);
    const valid = encode(FRAME).subarray(4);
    let refused = 0;
    for (let round = 0; round < 20_000; round++) {
      let bytes = Buffer.from(valid);
      const kind = random.integer(0, 3);
      if (kind === 0) bytes = Buffer.from(Array.from({ length: random.integer(0, 60) }, () => random.integer(0, 256)));
      if (kind === 1) bytes = bytes.subarray(0, random.integer(0, bytes.length));
      if (kind === 2)
        for (let n = random.integer(1, 4); n > 0; n--) bytes[random.integer(0, bytes.length)] = random.integer(0, 256);
      if (kind === 0 && bytes.length > 0) bytes[0] = 1;
      try {
        readFrame(bytes);
      } catch (error) {
        expect(error).toBeInstanceOf(MalformedError);
        refused += 1;
      }
    }
    expect(refused).toBeGreaterThan(10_000);
  });
});
