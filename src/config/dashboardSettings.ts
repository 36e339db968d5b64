import * as Schema from 'effect/Schema';

import { hostText, isLoopback } from '../gateway/hosts.ts';
import {
  choice,
  flag,
  integer,
  optionalList,
  optionalPath,
  optionalText,
  text,
  type ValuesOf,
} from './setting.ts';

const Host = Schema.String.check(Schema.isPattern(/^[A-Za-z0-9._:-]{1,253}$/));
const AllowedHost = Schema.String.check(
  Schema.isPattern(/^(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9._-]{1,253})(:\d{1,5})?$/),
);
const isWebSocketUrl = (given: string): boolean =>
  given.length <= 512 && URL.canParse(given) && /^wss?:$/.test(new URL(given).protocol);
const ReceiverUrl = Schema.String.check(Schema.makeFilter(isWebSocketUrl));

const group = 'Dashboard';

const inspector = choice({
  flag: '--inspector',
  env: 'MIAOAI_INSPECTOR',
  group,
  description:
    'page: say where the live statecharts of this daemon are shown. stately: send them to a receiver of @statelyai/inspect as well.',
  placeholder: '[page|stately]',
  words: ['off', 'page', 'stately'],
  spellings: { true: 'page', false: 'off' },
  text: 'off',
});

/** The page of a daemon. What is read here is the same for both roles but for the port. */
const dashboardSettingsFor = (defaultPort: string) =>
  ({
    dashboard: flag({
      flag: '--dashboard',
      env: 'MIAOAI_DASHBOARD',
      group,
      description:
        'Serve a page that shows this daemon at work, with probes and metrics; it changes nothing.',
      text: 'true',
    }),
    dashboardHost: text({
      flag: '--dashboard-host',
      env: 'MIAOAI_DASHBOARD_HOST',
      group,
      description: 'Local address of the page. Another than a loopback one needs --dashboard-token-file.',
      placeholder: '<address>',
      allowed: 'an address or a name of this machine',
      schema: Host,
      text: '127.0.0.1',
    }),
    dashboardPort: integer({
      flag: '--dashboard-port',
      env: 'MIAOAI_DASHBOARD_PORT',
      group,
      description: 'Port of the page; 0 is any free one. Where the default is taken, any free one is used.',
      minimum: 0,
      maximum: 65_535,
      text: defaultPort,
    }),
    dashboardTokenFile: optionalPath({
      flag: '--dashboard-token-file',
      env: 'MIAOAI_DASHBOARD_TOKEN_FILE',
      group,
      description:
        'File with the token of the page, made where it is missing. With it the page needs a login: `miaoai status --link`.',
      note: 'no login, on loopback only',
    }),
    dashboardAllowedHosts: optionalList({
      flag: '--dashboard-allowed-hosts',
      env: 'MIAOAI_DASHBOARD_ALLOWED_HOSTS',
      group,
      description:
        'Further names by which the page may be asked for, as a reverse proxy, a tunnel or a scraper has them.',
      placeholder: '<name,…>',
      allowed: 'names, each with or without a port, with commas between them',
      schema: AllowedHost,
      note: 'those of the address itself',
    }),
    metricsTokenFile: optionalPath({
      flag: '--metrics-token-file',
      env: 'MIAOAI_METRICS_TOKEN_FILE',
      group,
      description: 'File with a token for /metrics alone, made where it is missing; sent as a bearer.',
      note: '/metrics is open to whoever reaches the page',
    }),
    metricsPerUid: flag({
      flag: '--metrics-per-uid',
      env: 'MIAOAI_METRICS_PER_UID',
      group,
      description: 'Score and weight of each uid as metrics of a validator: two times 256 more series.',
      text: 'false',
    }),
    inspector: { ...inspector, isSwitch: true },
    inspectorUrl: optionalText({
      flag: '--inspector-url',
      env: 'MIAOAI_INSPECTOR_URL',
      group,
      description: 'Receiver for --inspector=stately.',
      placeholder: '<url>',
      allowed: 'a ws:// or wss:// URL',
      schema: ReceiverUrl,
      note: 'ws://localhost:8080',
    }),
  }) as const;

export const validatorDashboard = dashboardSettingsFor('8686');
export const minerDashboard = dashboardSettingsFor('8687');

type DashboardValues = ValuesOf<typeof validatorDashboard>;

/** Rules between settings; each entry says what to change. */
export const dashboardProblems = (
  values: Pick<DashboardValues, 'dashboard' | 'dashboardHost' | 'dashboardTokenFile' | 'inspector'>,
): readonly string[] => {
  const { dashboard, dashboardHost: host, dashboardTokenFile: file, inspector: shown } = values;
  if (!dashboard && shown === 'page')
    return ['--inspector shows statecharts on the page: remove --no-dashboard'];
  if (!dashboard || file !== null || isLoopback(host)) return [];
  return [
    `--dashboard-host ${hostText(host)} would open the page to everybody who reaches it: name a file with --dashboard-token-file (it is made), or use --dashboard-host 127.0.0.1`,
  ];
};
