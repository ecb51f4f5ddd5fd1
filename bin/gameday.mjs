#!/usr/bin/env node
import { runUnderCurrentNode } from './handover.mjs';

// `npm start` on a fresh clone: npm skips `prestart` where ignore-scripts is set, as .npmrc here does.
if (process.env.npm_lifecycle_event === 'start') await import('./install.mjs');
await runUnderCurrentNode('orchestrator/cli/main.ts');
