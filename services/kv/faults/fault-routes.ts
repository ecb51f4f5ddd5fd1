import type { FastifyInstance } from 'fastify';
import type { NodeFaultSet } from '../../../kit/system.ts';
import { requireToken } from '../cluster-routes.ts';
import { faultSetSchema } from './fault-set.ts';
import type { FaultSwitches } from './fault-switches.ts';

/** `/_gameday/faults`: only with `--faults`, for `Authorization: Bearer <admin token>`. A PUT replaces all that was in force, `{}` heals. */
export function addFaultRoutes(
  app: FastifyInstance,
  faults: Pick<FaultSwitches, 'set' | 'apply'>,
  token: string,
): void {
  app.register(async (admin) => {
    requireToken(admin, token);
    admin.get('/_gameday/faults', () => faults.set);
    admin.put<{ Body: NodeFaultSet }>('/_gameday/faults', { schema: { body: faultSetSchema } }, async (request) => {
      await faults.apply(request.body);
      return faults.set;
    });
  });
}
