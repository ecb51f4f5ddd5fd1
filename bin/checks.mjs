#!/usr/bin/env node
import { runUnderCurrentNode } from './handover.mjs';

// npm skips `pretest` where ignore-scripts is set, as .npmrc here does.
await import('./install.mjs');
await runUnderCurrentNode('checks/run.ts');
