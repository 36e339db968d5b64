import type { DoctorView, SettingView } from '#src/domain/view/commonView.ts';

const setting = (
  name: string,
  value: string,
  source: SettingView['source'],
  description: string,
): SettingView => ({
  name,
  flag: `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`,
  variable: `MIAOAI_${name.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`,
  value,
  source,
  isSecret: value.includes('•'),
  description,
});

export const fixtureSettings: readonly SettingView[] = [
  setting('network', 'finney', 'flag', 'Network whose chain is followed.'),
  setting('netuid', '86', 'environment', 'Number of the subnet.'),
  setting('wallet', 'default', 'default', 'Name of the wallet folder.'),
  setting('walletPassword', '••••••', '.env', 'Password of an encrypted hotkey.'),
  setting('dataDir', '/var/lib/miaoai/finney/86/validator', 'environment', 'Where everything is kept.'),
  setting('dashboardPort', '8686', 'default', 'Port of this page.'),
  setting('redisUrl', 'redis://:••••••@10.0.0.4:6379/0', '.env', 'Redis in place of the embedded store.'),
];

export const fixtureDoctor = (at: number): DoctorView => ({
  at,
  checks: [
    { name: 'node', verdict: 'ok', evidence: 'v24.21.0', remedy: null },
    { name: 'hotkey', verdict: 'ok', evidence: 'readable, mode 0600', remedy: null },
    {
      name: 'clock',
      verdict: 'warning',
      evidence: '1.8 s ahead of the chain',
      remedy: 'Turn on NTP: timedatectl set-ntp true',
    },
    {
      name: 'disk',
      verdict: 'failed',
      evidence: '212 MiB free in the data folder',
      remedy: 'Free at least 2 GiB or move --data-dir',
    },
    { name: 'gpu', verdict: 'skipped', evidence: 'a validator needs none', remedy: null },
  ],
});
