import { resolve } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import * as Effect from 'effect/Effect';

import { commandExitCodes } from '../exitCodes.ts';
import { backupStore, restoreStore } from '../store/backup.ts';
import { StoreInvalid } from '../store/errors.ts';
import type { ExportCounts } from '../store/exportFileFormat.ts';
import { concluding, done, type Ending } from './ending.ts';
import { checkCommandWork } from './storeCheck.ts';
import { importFile, moveStore } from './storeCopy.ts';
import { ended, onPlace } from './storeEnding.ts';
import { exportStore } from './storeExport.ts';
import { importOriginal } from './storeOriginal.ts';
import {
  addRedisFlags,
  addStoreFlags,
  describePlace,
  placeOf,
  type RedisFlags,
  type StorePlace,
} from './storePlaces.ts';

type WithJson = { readonly json: boolean };

const asJson = (command: Command): Command => command.option('--json', 'print one JSON object', false);

const countsText = ({ records, snapshots, counters, ids }: ExportCounts): string =>
  `${records} records, ${snapshots} snapshots, ${counters} counters, ${ids} used ids`;

const run = (work: Effect.Effect<Ending>, { json }: WithJson): Promise<void> =>
  concluding(Effect.runPromise(work), json);

const embeddedOnly = (place: StorePlace, instead: string): Effect.Effect<string, StoreInvalid> =>
  place.kind === 'dataDir'
    ? Effect.succeed(place.dir)
    : Effect.fail(new StoreInvalid({ message: `this works on a data folder; for Redis use ${instead}` }));

const checkCommand = (): Command =>
  asJson(addStoreFlags(new Command('check'), 'a daemon; it may be running'))
    .description('read the whole store: integrity, every value, counts of requests, who writes')
    .action((flags: WithJson, command: Command) => run(onPlace({ command }, checkCommandWork), flags));

const backupCommand = (): Command =>
  asJson(addStoreFlags(new Command('backup'), 'a daemon; it may be running'))
    .description('copy the database of a data folder to a new file, while its daemon goes on')
    .argument('<file>', 'file to write')
    .action((file: string, flags: WithJson, command: Command) =>
      run(
        onPlace({ command }, (place) =>
          Effect.gen(function* () {
            const dir = yield* embeddedOnly(place, '`miaoai store export`, or the means of the server');
            const made = yield* backupStore({ dir, to: resolve(file) });
            return done(`${made.file}: ${made.bytes} bytes, checked`, made);
          }),
        ),
        flags,
      ),
    );

const restoreCommand = (): Command =>
  asJson(addStoreFlags(new Command('restore'), 'a daemon that is stopped'))
    .description('put a backup in the place of the store of a data folder; what was there is kept beside it')
    .argument('<file>', 'file that `miaoai store backup` made')
    .action((file: string, flags: WithJson, command: Command) =>
      run(
        onPlace({ command, isExact: true }, (place) =>
          Effect.gen(function* () {
            const dir = yield* embeddedOnly(place, '`miaoai store import`');
            const restored = yield* restoreStore({ from: resolve(file), dir });
            const kept =
              restored.kept === null ? 'nothing was there before' : `the old one is ${restored.kept}`;
            return done(`${dir} holds the backup ${resolve(file)}; ${kept}`, restored);
          }),
        ),
        flags,
      ),
    );

const exportCommand = (): Command =>
  asJson(addStoreFlags(new Command('export'), 'a daemon; it may be running'))
    .description(
      'write everything a store holds to a new file of JSON lines; compressed when it ends with .gz',
    )
    .argument('<file>', 'file to write')
    .action((file: string, flags: WithJson, command: Command) =>
      run(
        onPlace({ command }, (place) =>
          Effect.map(exportStore(place, file), (made) => done(`${made.file}: ${countsText(made.end)}`, made)),
        ),
        flags,
      ),
    );

const importCommand = (): Command =>
  asJson(addStoreFlags(new Command('import'), 'the new store, which has to be empty'))
    .description('put an export into an empty store')
    .argument('<file>', 'file that `miaoai store export` made')
    .option('--as-owner <identity>', 'let the new store belong to another identity than the one of the file')
    .action((file: string, flags: WithJson & { readonly asOwner?: string }, command: Command) =>
      run(
        onPlace({ command, isExact: true }, (place) =>
          Effect.map(importFile({ file: resolve(file), place, asOwner: flags.asOwner ?? null }), (made) =>
            done(
              `${describePlace(place)}, of ${made.owner ?? 'nobody'}: ${countsText(made.end)}, read back`,
              made,
            ),
          ),
        ),
        flags,
      ),
    );

const milliseconds = (text: string): number => {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0 || value > 600_000)
    throw new InvalidArgumentError('give milliseconds from 0 to 600000');
  return value;
};

type MigrateFlags = RedisFlags &
  WithJson & { readonly from: string; readonly to: string; readonly leaseMs: number };

const migrateCommand = (): Command =>
  asJson(addRedisFlags(new Command('migrate')))
    .option('--network <url>', 'network as the daemon has it, where --owner names it without its credentials')
    .description('move a store between a data folder and Redis, either way; the daemon has to be stopped')
    .requiredOption('--from <place>', 'data folder, or URL of a Redis')
    .requiredOption('--to <place>', 'the same; nothing of this identity may be there')
    .option(
      '--lease-ms <milliseconds>',
      'how long to look whether whoever wrote last still lives; --lease-ms of the daemon',
      milliseconds,
      10_000,
    )
    .action((flags: MigrateFlags) =>
      run(
        ended(
          Effect.gen(function* () {
            const [from, to] = [yield* placeOf(flags.from, flags), yield* placeOf(flags.to, flags)];
            const moved = yield* moveStore({ from, to, leaseMs: flags.leaseMs });
            const places = { from: describePlace(from), to: describePlace(to) };
            const text = `${places.from} was moved to ${places.to}: ${countsText(moved.end)}, read back; no daemon starts on the old one any more`;
            return done(text, { ...places, ...moved });
          }),
        ),
        flags,
      ),
    );

const originalCommand = (): Command =>
  asJson(addStoreFlags(new Command('import-original'), 'a daemon that is stopped'))
    .description('take used task ids and places in task files from the Redis of the original Python program')
    .requiredOption('--from <url>', 'Redis of the original; it is only read')
    .action((flags: RedisFlags & WithJson & { readonly from: string }, command: Command) =>
      run(
        onPlace({ command, isExact: true }, (place) => importOriginal({ ...flags, place })),
        flags,
      ),
    );

/** `miaoai store`. */
export const storeCommand = (): Command =>
  new Command('store')
    .description('look after the store of a daemon: check, back up, restore, copy, move')
    .addCommand(checkCommand())
    .addCommand(backupCommand())
    .addCommand(restoreCommand())
    .addCommand(exportCommand())
    .addCommand(importCommand())
    .addCommand(migrateCommand())
    .addCommand(originalCommand())
    .addHelpText(
      'after',
      `\nExit codes: ${Object.entries(commandExitCodes)
        .map(([name, code]) => `${code} ${name}`)
        .join(', ')}`,
    );
