import type { FastifyInstance } from 'fastify';

import { refuse } from './replies.ts';

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type ControlledLevel = (typeof logLevels)[number];

export type Control = {
  /** Secret of this run; in `daemon.json`, which only the daemon's user can read. */
  readonly secret: string;
  readonly setLogLevel: (level: ControlledLevel) => void;
};

export const controlPath = '/control/log-level';

const levelOf = (body: unknown): ControlledLevel | undefined =>
  typeof body === 'object' && body !== null && 'level' in body
    ? logLevels.find((level) => level === body.level)
    : undefined;

/** The one thing that can be changed from outside: how much is logged. Who may was decided before. */
export const addControl = (app: FastifyInstance, control: Control): void => {
  app.post(controlPath, (request, reply) => {
    const level = levelOf(request.body);
    if (level === undefined) return refuse(reply, 400, `give {"level": one of ${logLevels.join(', ')}}`);
    control.setLogLevel(level);
    return { level };
  });
};
