/** What an operator has a serving node go through: nothing has to be healed, and the service must not feel it. */
import { injectIntoEach } from './process.ts';
import type { Fault } from './types.ts';

export const operate: Fault = {
  kind: 'operate',
  available: () => true,
  inject: (strike) =>
    injectIntoEach(strike, async (node) => {
      const { as } = strike.parameters;
      if (as === undefined) throw new Error('no operation is named');
      await node.operate(as);
      return async () => {};
    }),
};
