#!/usr/bin/env node
import { requireNode } from './nodeVersion.ts';

requireNode();
const { runCli } = await import('./cli/main.ts');
await runCli();
