import type { Comparison, ComparisonRow } from './comparison.ts';
import { BOMB_KINDS, type BombKind } from './rivals.ts';
import { courseCells, MEASURED, time } from '../protection/course-table.ts';
import type { PolicyRow, RuntimeProtection, TrialResult } from './runtime-protection.ts';

const KIND_NAMES: Readonly<Record<BombKind, string>> = {
  plain: 'plain bomb',
  reference: 'bomb holding a reference',
  lock: 'bomb holding a lock',
};

/** What each policy does about each bomb, and what was measured of it. Spec 03 R36, R37 */
export function protectionTables({ rows }: RuntimeProtection): Comparison {
  return {
    name: 'runtime-protection',
    about: 'Programs that overrun, under what the kernel has and what has been proposed',
    columns: BOMB_KINDS.map((kind) => KIND_NAMES[kind]),
    tables: [
      {
        title: 'what becomes of it',
        rows: rows.map(({ policy, about, trials }) => ({
          name: policy,
          how: about,
          cells: BOMB_KINDS.map((kind) => trials[kind].map(outcome).join('; ') || '–'),
        })),
      },
      {
        title: 'what was measured',
        columns: MEASURED,
        rows: rows.flatMap(measured),
      },
    ],
  };
}

function outcome(trial: TrialResult): string {
  const prefix = trial.where === '' ? '' : `${trial.where}: `;
  return prefix + verdict(trial).join(', ');
}

function verdict(trial: TrialResult): readonly string[] {
  if (trial.rejected !== '') return [`load rejected (${trial.rejected})`];
  const { detectedBy, detectedAfterNs, stoppedAfterNs, leaked, waiters } = trial;
  if (stoppedAfterNs === null) {
    return [
      `not stopped: ${lockup(trial)}`,
      ...(leaked === '' ? [] : [`${leaked} held for ever`]),
      ...(trial.cpusLost > 0 ? ['another CPU lost too'] : []),
      ...(waiters === '' ? [] : [`waiters get ${waiters}`]),
    ];
  }
  const noticed = detectedBy === 'policy' && detectedAfterNs !== null;
  return [
    `over after ${time(stoppedAfterNs)}`,
    leaked === '' ? 'nothing left held' : `${leaked} left held`,
    ...(noticed || detectedBy === 'nobody' ? [] : [lockup(trial)]),
  ];
}

function lockup({ failures }: TrialResult): string {
  return failures.map((kind) => kind.replace('-', ' ')).join(', ') || 'runs on';
}

function measured({ policy, trials }: PolicyRow): ComparisonRow[] {
  return BOMB_KINDS.flatMap((kind) =>
    trials[kind].map((trial) => ({
      name: `${policy}, ${KIND_NAMES[kind]}`,
      how: trial.where,
      cells: cellsOf(trial),
    })),
  );
}

function cellsOf(trial: TrialResult): string[] {
  if (trial.rejected !== '') {
    return ['the verifier', 'at load', 'never ran', '', '', '', trial.rejected, '0'];
  }
  return courseCells(trial, trial.waiters === '' ? [] : [`waiters get ${trial.waiters}`]);
}
