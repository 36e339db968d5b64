import type { FastifyInstance, FastifyReply } from 'fastify';

import { createCharts } from './charts.ts';
import { remembered } from './remembered.ts';
import { refuse, sendFile } from './replies.ts';
import type { GatewaySources } from './sources.ts';

const doctorHoldsMs = 30_000;
const historyHoldsMs = 2_000;

const download = (reply: FastifyReply, name: string): FastifyReply =>
  reply.header('content-disposition', `attachment; filename="${name}"`);

/** `2026-11-23T01-15-00`, as a part of a file's name. */
const timestamp = (): string => new Date().toISOString().slice(0, 19).replaceAll(':', '-');

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
  if (history !== null) app.get('/api/history', remembered(history, historyHoldsMs));
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
  const doctor = remembered(sources.doctor, doctorHoldsMs);
  app.get('/api/status', () => sources.status());
  app.get('/api/config', () => sources.settings());
  app.get('/api/doctor', () => doctor());
  app.get('/api/inspection', (_request, reply) => {
    download(reply, `miaoai-inspection-${timestamp()}.json`);
    return sources.inspection.session();
  });
  app.get('/api/logs', (_request, reply) => {
    const lines = sources.logs.recent().map((line) => `${JSON.stringify(line)}\n`);
    return download(reply, `miaoai-${timestamp()}.ndjson`).type('application/x-ndjson').send(lines.join(''));
  });
  addCharts(app, chartsDir);
  addValidatorApi(app, sources);
};
