#!/usr/bin/env node
import { runUnderCurrentNode } from './handover.mjs';

await runUnderCurrentNode('orchestrator/cli/bombarder/main.ts');
