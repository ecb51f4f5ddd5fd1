/** The systems under test, by name: all that the orchestrator knows of what is in this folder. */
import type { SystemManifest } from '../kit/system.ts';

export const systems: Readonly<Record<string, () => Promise<{ readonly default: SystemManifest }>>> = {
  kv: () => import('./kv/system.ts'),
};
