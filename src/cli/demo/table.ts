/** One line of the demo's result. */
export type DemoMiner = {
  readonly uid: number;
  readonly behaviour: string;
  readonly tasks: number;
  readonly accuracy: number;
  readonly medianMs: number | null;
  readonly trust: number;
  readonly weight: number;
  readonly incentive: number;
  readonly emission: number;
};

const columns: readonly (readonly [string, (miner: DemoMiner) => string])[] = [
  ['uid', ({ uid }) => String(uid)],
  ['behaviour', ({ behaviour }) => behaviour],
  ['tasks', ({ tasks }) => String(tasks)],
  ['accuracy', ({ accuracy }) => `${(accuracy * 100).toFixed(1)} %`],
  ['median ms', ({ medianMs }) => (medianMs === null ? '-' : String(medianMs))],
  ['trust', ({ trust }) => trust.toFixed(3)],
  ['weight', ({ weight }) => `${(weight * 100).toFixed(1)} %`],
  ['incentive', ({ incentive }) => `${(incentive * 100).toFixed(1)} %`],
  ['emission', ({ emission }) => emission.toFixed(3)],
];

/** The result as plain text, numbers aligned to the right. */
export const formatTable = (miners: readonly DemoMiner[]): string => {
  const rows = [
    columns.map(([title]) => title),
    ...miners.map((miner) => columns.map(([, cell]) => cell(miner))),
  ];
  const widths = columns.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((cell, column) =>
          column === 1 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
        )
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
};
