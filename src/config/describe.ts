import { maskEndpoint } from '../domain/endpoint.ts';
import type { SettingView } from '../domain/view/commonView.ts';
import { isNodeUrl } from './networks.ts';
import { type Config, type Role, settingsOf } from './roles.ts';
import { defaultText } from './setting.ts';

/** One row of the generated documentation. */
export type SettingRow = {
  readonly name: string;
  readonly group: string;
  readonly flag: string;
  readonly env: string;
  /** Further spellings of flag and variable. */
  readonly aliases: readonly string[];
  readonly allowed: string;
  readonly default: string;
  /** The default is words about it, not something to write down. */
  readonly isRemark: boolean;
  readonly description: string;
  readonly secret: boolean;
};

/** All settings of a role in the order of the help, for generated docs and example files. */
export const settingsTable = (role: Role): readonly SettingRow[] =>
  Object.entries(settingsOf[role]).map(([name, setting]) => ({
    name,
    group: setting.group,
    flag: setting.flag,
    env: setting.env,
    aliases: [...setting.flagAliases, ...setting.envAliases],
    allowed: setting.allowed,
    default: defaultText(setting),
    isRemark: 'note' in setting.default,
    description: setting.description,
    secret: setting.secret,
  }));

const shown = (value: unknown): string => {
  if (Array.isArray(value)) return value.map(shown).join(',');
  if (value === null || value === undefined) return 'none';
  return typeof value === 'string' && isNodeUrl(value) ? maskEndpoint(value) : String(value);
};

/** Each setting with its value and where that came from; secrets and credentials in URLs are masked. For logs. */
export const describeConfig = (
  config: Config,
): readonly { readonly name: string; readonly value: string; readonly source: string }[] => {
  const values = new Map<string, unknown>(Object.entries(config));
  return Object.entries(settingsOf[config.role]).map(([name, setting]) => {
    const value = values.get(name);
    return {
      name,
      value: setting.secret && value !== null ? '***' : shown(value),
      source: config.sources[name] ?? 'default',
    };
  });
};

/** `flag --netuid` and the like as the page tells it. */
const sourceOf = (source: string): SettingView['source'] => {
  if (source.startsWith('flag ')) return 'flag';
  if (source.startsWith('environment ')) return 'environment';
  return source === 'default' ? 'default' : '.env';
};

/** Each setting as the page shows it; masked in the same way. */
export const settingViews = (config: Config): readonly SettingView[] =>
  describeConfig(config).map(({ name, value, source }) => {
    const setting = settingsOf[config.role][name];
    return {
      name,
      flag: setting?.flag ?? '',
      variable: setting?.env ?? '',
      value,
      source: sourceOf(source),
      isSecret: setting?.secret ?? false,
      description: setting?.description ?? '',
    };
  });
