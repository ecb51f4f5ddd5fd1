import { expect, test } from '@jest/globals';
import { RouteTable } from './route-table.ts';

test('tells which methods a path has', () => {
  const routes = new RouteTable();
  routes.add('/api/kv', ['POST']);
  routes.add('/api/kv', ['GET', 'HEAD']);
  routes.add('/api/kv/:id', ['PUT']);
  expect(routes.methodsOf('/api/kv')).toEqual(['GET', 'HEAD', 'POST']);
  expect(routes.methodsOf('/api/kv/7')).toEqual(['PUT']);
  expect(routes.methodsOf('/api/kv/7/8')).toEqual([]);
  expect(routes.methodsOf('/api/kv/')).toEqual([]);
  expect(routes.methodsOf('/apiXkv')).toEqual([]);
});
