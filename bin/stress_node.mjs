#!/usr/bin/env node
import { runUnderCurrentNode } from './handover.mjs';

await runUnderCurrentNode('services/kv/main.ts');
