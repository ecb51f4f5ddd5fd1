#!/usr/bin/env node
import module from 'node:module';
import { fileURLToPath } from 'node:url';
import { runUnderCurrentNode } from './handover.mjs';

// As the manifest has it: programs that were compiled once are neither stripped of their types nor compiled again.
module.enableCompileCache?.(fileURLToPath(new URL('../node_modules/.cache/node', import.meta.url)));
await runUnderCurrentNode('services/kv/main.ts');
