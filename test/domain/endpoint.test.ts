import { describe, expect, it } from 'vitest';

import { maskEndpoint, maskIn, maskNetwork } from '#src/domain/endpoint.ts';

describe('domain / endpoint', () => {
  it.each([
    ['wss://user:pw@node.example:9944/', 'wss://node.example:9944/***'],
    ['wss://:pw@node.example', 'wss://node.example/***'],
    ['wss://node.example/?apikey=k', 'wss://node.example/***'],
    ['wss://node.example/v1/k', 'wss://node.example/***'],
    ['ws://127.0.0.1:9944', 'ws://127.0.0.1:9944'],
    ['wss://node.example:99999/k', '***'],
  ])('masks %s', (endpoint, expected) => {
    expect(maskEndpoint(endpoint)).toBe(expected);
  });

  it('leaves the name of a network alone, and masks one that is a URL', () => {
    expect(maskNetwork('finney')).toBe('finney');
    expect(maskNetwork('wss://node.example/k')).toBe('wss://node.example/***');
  });

  it('masks an endpoint inside a text', () => {
    const endpoint = 'wss://node.example/?apikey=k';
    expect(maskIn(`Invalid URL: ${endpoint}`, endpoint)).toBe('Invalid URL: wss://node.example/***');
    expect(maskIn('refused', '')).toBe('refused');
  });
});
