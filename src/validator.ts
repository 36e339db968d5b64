#!/usr/bin/env node
import { requireNode } from './nodeVersion.ts';

requireNode();
const { runValidator } = await import('./validatorDaemon.ts');
await runValidator();
