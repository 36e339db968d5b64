/** `miaoai doctor`: would this daemon work here and now, and if not, what keeps it from its work. */
import { Command, Option } from 'commander';
import * as Effect from 'effect/Effect';

import { Chain } from '../chain/client.ts';
import { type Config, type ConfigOf, loadConfig, type Role } from '../config.ts';
import { isDaemonRunning } from '../daemonFile.ts';
import { maskNetwork } from '../domain/endpoint.ts';
import type { BlockNumber, Hotkey } from '../domain/ids.ts';
import type { DoctorView } from '../domain/view/commonView.ts';
import { keysReady } from '../keys/identity.ts';
import type { AskSecret } from '../keys/prompt.ts';
import { terminalPrompt } from '../keys/prompt.ts';
import { version } from '../version.ts';
import { type ChainVerdict, examineFacts } from './doctorChain.ts';
import { diskFinding, gpuFinding, portFindings, reachFinding } from './doctorDevices.ts';
import { type Answering, askEndpoints, endpointFindings, preferredNode } from './doctorEndpoints.ts';
import {
  dataDirFinding,
  dataDirOf,
  examineWallet,
  existing,
  modelFindings,
  nodeFinding,
  openedFinding,
  settingsFindings,
  type WalletVerdict,
} from './doctorMachine.ts';
import { type DoctorReport, type Finding, reportEnding, type Status } from './doctorReport.ts';
import { concluding } from './ending.ts';

export type DoctorQuestion = {
  readonly role: Role;
  /** Flags of the daemon, as it would be started. */
  readonly argv: readonly string[];
  readonly env: { readonly [name: string]: string | undefined };
  readonly cwd: string;
  /** null: nobody can be asked for a password. */
  readonly ask: AskSecret | null;
};

const noVerdict: ChainVerdict = { findings: [], forecast: null, nextAcceptedBlock: null, axon: null };

const chainFailure = (message: string): Finding => ({
  area: 'chain',
  check: 'ReadSubnet',
  status: 'blocked',
  message,
});

/** Facts from the node that the daemon would use. */
const examineChain = Effect.fnUntraced(function* (
  config: Config,
  hotkey: Hotkey | null,
  node: Answering | null,
) {
  if (node === null || hotkey === null) return noVerdict;
  const { connection } = node;
  const facts = Effect.flatMap(connection.finalizedHead(), (head) =>
    connection.readSubmissionFacts({ head, hotkey }),
  );
  return yield* Effect.match(facts, {
    onSuccess: (read) => examineFacts(config, read),
    onFailure: ({ message }): ChainVerdict => ({ ...noVerdict, findings: [chainFailure(message)] }),
  });
});

/** When a block is expected, by the time of the newest one and the pace of the blocks before it. */
const expectedAt = (config: Config, block: BlockNumber | null, node: Answering | null): string | null => {
  const { pace = null, report } = node ?? {};
  if (block === null || pace === null || pace.blockMs <= 0 || !report || report.bestBlock === null)
    return null;
  // Where the chain stands still, nobody knows when it goes on.
  if ((report.headAgeMs ?? 0) > config.headPatienceMs) return null;
  const aheadMs = Math.max(0, block - report.bestBlock) * pace.blockMs;
  return new Date(pace.timestampMs + aheadMs).toISOString();
};

const nothingKnown = { version, network: null, netuid: null, hotkey: null, endpoints: [] } as const;

/** A daemon with wrong settings would not start, and nothing else can be judged without them. */
const unset = (role: Role, message: string): DoctorReport => ({
  ...nothingKnown,
  role,
  ok: false,
  findings: [{ area: 'settings', check: 'Settings', status: 'blocked', message }],
  nextAcceptedBlock: null,
  nextAcceptedAt: null,
  forecast: null,
});

/** A daemon that asks about itself runs, whatever its folder says. */
type Asking = 'daemon' | 'command';

const examine = Effect.fnUntraced(function* (
  config: Config,
  { hotkey, findings: wallet }: WalletVerdict,
  asking: Asking,
) {
  const isMiner = config.role === 'miner';
  const dir = hotkey === null ? null : dataDirOf(config, hotkey);
  const isRunning = asking === 'daemon' || (dir !== null && isDaemonRunning(dir));
  const models = isMiner
    ? [...(yield* modelFindings(config)), yield* Effect.promise(() => gpuFinding(config))]
    : [];
  const disk = dir === null ? [] : [yield* Effect.promise(() => diskFinding(existing(dir)))];
  const ports = yield* Effect.promise(() => portFindings(config, isRunning));
  const asked = yield* askEndpoints(config);
  const node = preferredNode(asked);
  const chain = yield* examineChain(config, hotkey, node);
  const shown = isMiner ? chain.axon : null;
  const reach = shown === null ? [] : [yield* Effect.promise(() => reachFinding(shown, isRunning))];
  const findings = [
    ...settingsFindings(config),
    nodeFinding(),
    ...(hotkey === null ? [] : [dataDirFinding(config, hotkey)]),
    ...disk,
    ...wallet,
    ...models,
    ...endpointFindings(config, asked),
    ...chain.findings,
    ...ports,
    ...reach,
  ];
  return {
    role: config.role,
    version,
    network: maskNetwork(config.network),
    netuid: config.netuid,
    hotkey,
    ok: findings.every(({ status }) => status !== 'blocked'),
    findings,
    endpoints: asked.map(({ report }) => report),
    nextAcceptedBlock: chain.nextAcceptedBlock,
    nextAcceptedAt: expectedAt(config, chain.nextAcceptedBlock, node),
    forecast: chain.forecast,
  } satisfies DoctorReport;
});

/**
 * Examines what a daemon of this role would meet if it were started with these flags and this environment. Reads only:
 * no file is written, nothing is sent to the chain.
 */
export const diagnose = async (question: DoctorQuestion): Promise<DoctorReport> => {
  await keysReady();
  const { role, argv, env, cwd, ask } = question;
  const loaded = loadConfig(role, argv, env, cwd);
  if (!loaded.ok) return unset(role, loaded.error.message);
  const config: ConfigOf<Role> = loaded.value;
  const places = { passwordFile: config.walletPasswordFile, env, ask };
  const examined = Effect.flatMap(examineWallet(config, places), (wallet) =>
    examine(config, wallet, 'command'),
  );
  return Effect.runPromise(Effect.scoped(examined).pipe(Effect.provide(Chain.layer)));
};

const verdicts: { readonly [S in Status]: DoctorView['checks'][number]['verdict'] } = {
  ok: 'ok',
  information: 'ok',
  warning: 'warning',
  waiting: 'warning',
  blocked: 'failed',
};

/** Messages say what is the matter, and behind the last colon what to do. */
const checkOf = ({ area, check, status, message }: Finding): DoctorView['checks'][number] => {
  const at = message.lastIndexOf(': ');
  const hasRemedy = at > 0 && status !== 'ok' && status !== 'information';
  return {
    name: `${area}.${check}`,
    verdict: verdicts[status],
    evidence: hasRemedy ? message.slice(0, at) : message,
    remedy: hasRemedy ? message.slice(at + 2) : null,
  };
};

/** The same of a daemon that runs, asked by itself: its hotkey is open already. For the page. */
export const diagnoseRunning = async (config: Config, hotkey: Hotkey): Promise<DoctorView> => {
  const report = await Effect.runPromise(
    Effect.scoped(examine(config, { hotkey, findings: [openedFinding(hotkey)] }, 'daemon')).pipe(
      Effect.provide(Chain.layer),
    ),
  );
  return { at: Date.now(), checks: report.findings.map(checkOf) };
};

type Flags = { readonly role: Role; readonly json?: boolean };

const words = [
  '',
  'All flags of the daemon are allowed behind these, and its environment and .env files are read: the daemon is judged as',
  'it would be started. Nothing is written or sent. Exit codes: 0 nothing blocks, 2 wrong settings, 7 something blocks.',
].join('\n');

export const doctorCommand = (): Command => {
  const command = new Command('doctor')
    .description(
      'check settings, wallet, machine, ports, nodes, registration and the next block that accepts weights',
    )
    .addOption(
      new Option('--role <role>', 'which daemon').choices(['validator', 'miner']).default('validator'),
    )
    .option('--json', 'print one JSON object')
    .allowUnknownOption()
    .allowExcessArguments()
    .addHelpText('after', words);
  return command.action((flags: Flags) => {
    const { role, json = false } = flags;
    const ask = terminalPrompt();
    const question = { role, argv: command.args, env: process.env, cwd: process.cwd(), ask };
    return concluding(diagnose(question).then(reportEnding), json);
  });
};
