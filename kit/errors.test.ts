import { expect, test } from '@jest/globals';
import { errorBody, ServiceError } from './errors.ts';

test('a code brings its status, definiteness and retry delay', () => {
  expect(new ServiceError('NO_QUORUM', 'no leader')).toMatchObject({
    status: 503,
    definite: true,
    retryAfterSeconds: 1,
  });
  expect(new ServiceError('TIMEOUT', 'too late')).toMatchObject({ status: 504, definite: false });
  expect(new ServiceError('STORAGE_FULL', 'disk full')).toMatchObject({ status: 507, definite: true });
  expect(new ServiceError('NOT_FOUND', 'nothing here').retryAfterSeconds).toBeUndefined();
});

test('what is given wins over the usual', () => {
  const error = new ServiceError('NO_QUORUM', 'fate unknown', { definite: false, status: 504, retryAfterSeconds: 5 });
  expect(error).toMatchObject({ definite: false, status: 504, retryAfterSeconds: 5 });
});

test('the body has no details unless there are some, and never the cause', () => {
  expect(errorBody(new ServiceError('CONFLICT', 'taken', { cause: new Error('secret') }))).toEqual({
    error: { code: 'CONFLICT', message: 'taken', definite: true },
  });
  expect(errorBody(new ServiceError('VALIDATION', 'bad', { details: { limit: 3 } })).error.details).toEqual({
    limit: 3,
  });
});
