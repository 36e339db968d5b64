import type { FastifyInstance, FastifyReply } from 'fastify';

import { createCharts } from './charts.ts';
import { remembered } from './remembered.ts';
import { refuse, sendFile } from './replies.ts';
import type { GatewaySources } from './sources.ts';

const doctorHoldsMs = 30_000;
/** It calls nodes, each with a patience of its own; some of them one after the other. */
const doctorPatienceMs = 120_000;
const historyHoldsMs = 2_000;
/** Replies of some megabytes: however many ask, and however slowly they take it, there is one for all of them. */
const textHoldsMs = 1_000;

const download = (reply: FastifyReply, name: string): FastifyReply =>
  reply.header('content-disposition', `attachment; filename="${name}"`);

/** `2026-11-23T01-15-00`, as a part of a file's name. */
const timestamp = (): string => new Date().toISOString().slice(0, 19).replaceAll(':', '-');

const json = 'application/json; charset=utf-8';

/** As bytes, which all connections share; a text would be copied for each. */
const sharedBytes = (make: () => string | Promise<string>, holdsMs: number): (() => Promise<Buffer>) =>
  remembered(async () => Buffer.from(await make()), holdsMs);

const addDownloads = (app: FastifyInstance, { inspection, logs }: GatewaySources): void => {
  const session = sharedBytes(() => JSON.stringify(inspection.session()), textHoldsMs);
  app.get('/api/inspection', async (_request, reply) =>
    download(reply, `miaoai-inspection-${timestamp()}.json`)
      .type(json)
      .send(await session()),
  );
  const textOf = (): string => logs.recent().reduce((text, line) => `${text}${JSON.stringify(line)}\n`, '');
  const lines = sharedBytes(textOf, textHoldsMs);
  app.get('/api/logs', async (_request, reply) =>
    download(reply, `miaoai-${timestamp()}.ndjson`)
      .type('application/x-ndjson')
      .send(await lines()),
  );
};

const addCharts = (app: FastifyInstance, chartsDir: string): void => {
  const charts = createCharts(chartsDir);
  app.get('/api/charts', () => [...charts().keys()].toSorted());
  app.get<{ Params: { readonly id: string } }>('/api/charts/:id', (request, reply) => {
    const chart = charts().get(request.params.id);
    return chart === undefined
      ? refuse(reply, 404, 'there is no machine of this name')
      : sendFile(request, reply, chart);
  });
};

const addValidatorApi = (app: FastifyInstance, { sessionDetail, history }: GatewaySources): void => {
  if (history !== null) {
    const bytes = sharedBytes(async () => JSON.stringify(await history()), historyHoldsMs);
    app.get('/api/history', async (_request, reply) => reply.type(json).send(await bytes()));
  }
  if (sessionDetail === null) return;
  app.get<{ Params: { readonly uid: string } }>('/api/sessions/:uid', async (request, reply) => {
    const { uid } = request.params;
    const detail = /^\d{1,5}$/.test(uid) ? await sessionDetail(Number(uid)) : null;
    return detail ?? refuse(reply, 404, 'there is no neuron with this uid');
  });
};

/** What the page asks for besides its stream. */
export const addApi = (
  app: FastifyInstance,
  options: { readonly sources: GatewaySources; readonly chartsDir: string },
): void => {
  const { sources, chartsDir } = options;
  const doctor = remembered(sources.doctor, doctorHoldsMs, doctorPatienceMs);
  app.get('/api/status', () => sources.status());
  app.get('/api/config', () => sources.settings());
  app.get('/api/doctor', () => doctor());
  addDownloads(app, sources);
  addCharts(app, chartsDir);
  addValidatorApi(app, sources);
};
