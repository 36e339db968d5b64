import { connect } from 'node:net';
import { join } from 'node:path';
import * as Effect from 'effect/Effect';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import type { LogLine } from '#src/cli/demo/processes.ts';
import { saveKey } from '#src/keys/saveKey.ts';
import { secretFromText } from '#src/keys/secret.ts';
import { type CliEnd, runCli } from '#test/cli/cliProcess.ts';
import {
  blockTimeMs,
  type Miner,
  openStage,
  type Stage,
  startPatienceMs,
} from '#test/support/scenarioStage.ts';
import { type SystemProcess, until } from '#test/support/systemProcess.ts';

/**
 * Validator and miner are started before their hotkeys are registered. On a subnet with two places everybody who
 * registers takes the place of whoever has been there longest, so that both lose theirs and get them back, while their
 * processes go on.
 */

const names = ['miner', 'validator', 'stranger'] as const;
type Name = (typeof names)[number];

/** An epoch that does not end here: weights are another story. */
const tempo = 20_000;
const patienceMs = 30_000;
const storyLimitMs = 150_000;
const endPatienceMs = 20_000;

let stage: Stage;
let miner: Miner;
let validator: SystemProcess;
const registered = new Map<string, CliEnd>();
/** Whether the miner's port answered, by moment of the story. */
const answered = new Map<string, boolean>();

const walletPath = (): string => join(stage.dir, 'wallets');

const makeWallet = (name: Name): Promise<void> =>
  Effect.gen(function* () {
    for (const kind of ['coldkey', 'hotkey'] as const) {
      const secret = secretFromText(`//Registration//${name}//${kind}`);
      if (!secret.ok) throw new Error(secret.error.message);
      const location = { name, hotkey: 'default', path: walletPath() };
      yield* saveKey({ location, kind, secret: secret.value, password: null, overwrite: false });
    }
  }).pipe(Effect.runPromise);

/** As an operator does it; `moment` is for the expectations below. */
const register = async (name: Name, moment: string): Promise<void> => {
  const args = ['register', '--name', name, '--max-price', '100', '--yes', '--json'];
  const env = { BT_SUBTENSOR_CHAIN_ENDPOINT: stage.devnet.url, BT_WALLET_PATH: walletPath() };
  registered.set(moment, await runCli(args, { home: stage.dir, env }));
};

const isAnswering = (): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ host: miner.ip, port: miner.port });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });

const linesOf = (process: SystemProcess, event: string): readonly LogLine[] =>
  process.lines().filter((line) => line['event'] === event);

/** Waits until a process has said something that often in all. */
const times = (process: SystemProcess, event: string, count: number): Promise<void> =>
  until(
    () => linesOf(process, event).length >= count,
    patienceMs,
    () => `${event} of ${process.name}, ${count} times${process.tail()}`,
  );

/** The state of a root machine, as its last transition was told. */
const stateOf = (process: SystemProcess): unknown => linesOf(process, 'machine.moved').at(-1)?.['to'];
const reaches = (process: SystemProcess, state: string): Promise<void> =>
  until(
    () => stateOf(process) === state,
    patienceMs,
    () => `${process.name} in ${state}${process.tail()}`,
  );

const minerStates = { waiting: 'alive.unregistered', serving: 'alive.open.serving' } as const;
const validatorStates = {
  waiting: 'alive.running.unregistered',
  working: 'alive.running.validating',
} as const;

const startDaemons = async (): Promise<void> => {
  await Promise.all(names.map(makeWallet));
  const endpoints = [stage.devnet.url];
  // Nobody has a stake here, and so nobody a permit.
  const args = ['--require-permit', 'false'];
  miner = await stage.startMiner({
    name: 'miner',
    keys: { wallet: 'miner', walletPath: walletPath() },
    endpoints,
    place: 0,
    args,
  });
  validator = stage.startValidator({
    name: 'validator',
    keys: { wallet: 'validator', walletPath: walletPath() },
    endpoints,
  });
  await Promise.all([
    miner.process.saw('hotkey.unregistered', startPatienceMs),
    validator.saw('hotkey.unregistered', startPatienceMs),
  ]);
  await reaches(miner.process, minerStates.waiting);
  await reaches(validator, validatorStates.waiting);
  answered.set('at first', await isAnswering());
};

const play = async (): Promise<void> => {
  await startDaemons();

  await register('miner', 'miner, first');
  await reaches(miner.process, minerStates.serving);
  answered.set('registered', await isAnswering());
  await register('validator', 'validator, first');
  await reaches(validator, validatorStates.working);
  await times(miner.process, 'validator.arrived', 1);
  await times(validator, 'round.ended', 2);

  // Both places are taken; the miner has been there longest, and then the validator.
  await register('stranger', 'stranger');
  await reaches(miner.process, minerStates.waiting);
  answered.set('replaced', await isAnswering());
  await register('miner', 'miner, again');
  await reaches(miner.process, minerStates.serving);
  await reaches(validator, validatorStates.waiting);
  await register('validator', 'validator, again');
  await reaches(validator, validatorStates.working);
  await times(miner.process, 'validator.arrived', 2);
};

beforeAll(async () => {
  stage = await openStage({
    tempo,
    hyperparameters: {
      maxAllowedUids: 2,
      immunityPeriod: 1,
      minNonImmuneUids: 0,
      servingRateLimit: 2,
      burnIncreaseMult: 1,
    },
    validators: [],
    miners: [],
    rich: names.map((name) => `//Registration//${name}//coldkey`),
  });
  await play();
}, storyLimitMs);

afterAll(() => stage?.dispose());

describe('scenario / registration', () => {
  it('registers by command, on free places and on those of others', () => {
    const uids = [...registered].map(([moment, { code, stdout, stderr }]) => {
      expect(code, `${moment}: ${stderr}`).toBe(0);
      const { uid, wasRegistered } = JSON.parse(stdout);
      expect(wasRegistered, moment).toBe(false);
      return `${moment}: ${uid}`;
    });
    expect(uids).toEqual([
      'miner, first: 0',
      'validator, first: 1',
      'stranger: 0',
      'miner, again: 1',
      'validator, again: 0',
    ]);
  });

  it('has both wait by name, say what to do, and go on by themselves, as often as it happens', () => {
    for (const process of [miner.process, validator]) {
      const [first, second] = linesOf(process, 'hotkey.unregistered');
      expect(first?.['msg'], process.name).toContain('miaoai register');
      expect(second, process.name).toBeDefined();
      expect(linesOf(process, 'hotkey.registered'), process.name).toHaveLength(2);
    }
  });

  it('opens the port of the miner only while it is registered', () => {
    expect(Object.fromEntries(answered)).toEqual({ 'at first': false, registered: true, replaced: false });
    expect(linesOf(miner.process, 'listener.bound')).toHaveLength(2);
  });

  it('has the validator dial the miner and judge its answers, and dial it again', () => {
    expect(linesOf(miner.process, 'validator.arrived').length).toBeGreaterThanOrEqual(2);
    const judged = linesOf(validator, 'round.ended').map(({ summary }) => Number(Object(summary).judged));
    expect(Math.max(...judged)).toBeGreaterThan(0);
  });

  it('restarts nothing, and ends well', async () => {
    for (const process of [validator, miner.process]) {
      expect(linesOf(process, 'daemon.started'), process.name).toHaveLength(1);
      const end = await process.endBy('SIGTERM', endPatienceMs + blockTimeMs);
      expect(end, process.name).toEqual({ code: 0, signal: null });
    }
  });
});
