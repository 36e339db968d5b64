#!/usr/bin/env node
import { requireNode } from './nodeVersion.ts';

requireNode();
const { runMiner } = await import('./minerDaemon.ts');
await runMiner();
