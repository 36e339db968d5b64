import { describe, expect, it } from 'vitest';

import { chartOf, statesUnder } from '#src/inspector/chart.ts';
import { shown } from '#src/machines/shown.ts';
import { sourcesUnder } from '#test/support/machinesSources.ts';
import { documentedMachines } from '../../scripts/docs/machinePages.ts';

/** Plaintext of weights, what is sealed, keys of requests, truths, configured endpoints. */
const secret =
  /(^|\.)(vector|sealed|prepared|values|weights|requestKeys?|truths?|endpoints|seed|password|token)$/;

describe('architecture / what the inspector may show', () => {
  it('is said for each machine, and for no other', () => {
    expect(Object.keys(shown.context).toSorted()).toEqual(documentedMachines.map(({ id }) => id).toSorted());
    for (const paths of Object.values(shown.context)) expect(paths.length).toBeGreaterThan(0);
  });

  it('holds no secret', () => {
    const paths = [...Object.values(shown.context), ...Object.values(shown.events)].flat();
    expect(paths.filter((path) => secret.test(path))).toEqual([]);
    expect(shown.context['weightSetting']).not.toContain('due');
    expect(shown.context['weightSetting']).not.toContain('committed');
    expect(shown.context['weightReveal']).not.toContain('watched');
    expect(shown.events['epoch.scored']).not.toContain('vector');
  });

  it('names events that some machine, or an actor below one, knows', () => {
    const taken = new Set(
      documentedMachines.flatMap((machine) =>
        statesUnder(chartOf(machine).root).flatMap(({ transitions }) =>
          transitions.map(({ eventType }) => eventType),
        ),
      ),
    );
    const sources = [...sourcesUnder('src/machines'), ...sourcesUnder('src/actors')]
      .filter(({ path }) => !path.endsWith('/shown.ts'))
      .map(({ text }) => text)
      .join('\n');
    const strangers = Object.keys(shown.events).filter(
      (type) =>
        !taken.has(type) && !sources.includes(`'${type}'`) && !/^session\.(revoked|replaced)$/.test(type),
    );
    expect(strangers).toEqual([]);
  });

  it('is compared with the states of every machine along the paths of its tests', () => {
    const tests = sourcesUnder('test/machines')
      .map(({ text }) => text)
      .join('\n');
    for (const { id } of documentedMachines) {
      expect(tests, id).toMatch(new RegExp(`reachedStates\\(${id}Machine,`));
    }
  });
});
