/** Numbers, times and durations as a person reads them. The page's script uses the same functions. */

const SI = ['', ' K', ' M', ' G', ' T', ' P'];
const IEC = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

/** Three significant digits at least, never an exponent, no digits that mean nothing. */
function plain(value: number, decimals?: number): string {
  if (decimals !== undefined) return value.toFixed(decimals);
  const magnitude = Math.abs(value);
  if (magnitude === 0) return '0';
  if (magnitude >= 100) return value.toFixed(0);
  const digits = magnitude >= 10 ? 1 : magnitude >= 1 ? 2 : Math.min(6, 2 - Math.floor(Math.log10(magnitude)));
  return String(Number(value.toFixed(digits)));
}

function scaled(value: number, base: number, names: readonly string[], decimals?: number): string {
  let step = 0;
  let rest = value;
  while (Math.abs(rest) >= base && step < names.length - 1) {
    rest /= base;
    step += 1;
  }
  return `${plain(rest, step === 0 && base === 1024 ? 0 : decimals)}${names[step]}`;
}

/** Seconds with the unit that suits them: `850 µs`, `12.3 ms`, `1.25 s`, `4 min 10 s`. */
export function formatSeconds(seconds: number, decimals?: number): string {
  const magnitude = Math.abs(seconds);
  if (magnitude === 0) return '0 s';
  if (magnitude < 0.001) return `${plain(seconds * 1e6, decimals)} µs`;
  if (magnitude < 1) return `${plain(seconds * 1e3, decimals)} ms`;
  if (magnitude < 120) return `${plain(seconds, decimals)} s`;
  const whole = Math.round(magnitude);
  const sign = seconds < 0 ? '-' : '';
  if (whole < 7200) return `${sign}${Math.floor(whole / 60)} min${whole % 60 === 0 ? '' : ` ${whole % 60} s`}`;
  const minutes = Math.round(whole / 60);
  return `${sign}${Math.floor(minutes / 60)} h${minutes % 60 === 0 ? '' : ` ${minutes % 60} min`}`;
}

type Formatter = (value: number, decimals?: number) => string;

/** Grafana's unit ids that the dashboards use. */
const UNITS: Readonly<Record<string, Formatter>> = {
  s: formatSeconds,
  bytes: (value, decimals) =>
    scaled(
      value,
      1024,
      IEC.map((unit) => ` ${unit}`),
      decimals,
    ),
  Bps: (value, decimals) =>
    scaled(
      value,
      1024,
      IEC.map((unit) => ` ${unit}/s`),
      decimals,
    ),
  // Decimals say how far it is from a round number; from all or nothing it is nothing away.
  percentunit: (value, decimals) => `${plain(value * 100, value === 1 || value === 0 ? 0 : decimals)} %`,
  ops: (value, decimals) => `${scaled(value, 1000, SI, decimals)}/s`,
  short: (value, decimals) => scaled(value, 1000, SI, decimals),
  none: (value, decimals) => plain(value, decimals),
};

/** The units that {@link formatValue} knows. */
export const KNOWN_UNITS: readonly string[] = Object.keys(UNITS);

/** A value with its unit; `–` where there is none. An unknown unit is printed after the number. */
export function formatValue(value: number | null | undefined, unit: string, decimals?: number): string {
  if (value === null || value === undefined || Number.isNaN(value)) return '–';
  if (!Number.isFinite(value)) return value > 0 ? '∞' : '-∞';
  const format = UNITS[unit];
  return format === undefined ? `${plain(value, decimals)} ${unit}` : format(value, decimals);
}

/** Time since the start of the run, as in `+0:25` or `+1:02:03`; `ms` is a difference in milliseconds. */
export function formatOffset(ms: number): string {
  const total = Math.round(Math.abs(ms) / 1000);
  const two = (value: number) => String(value).padStart(2, '0');
  const hours = Math.floor(total / 3600);
  const minutes = Math.floor((total % 3600) / 60);
  const clock = hours > 0 ? `${hours}:${two(minutes)}:${two(total % 60)}` : `${minutes}:${two(total % 60)}`;
  return `${ms < 0 && total > 0 ? '-' : '+'}${clock}`;
}

/** An instant in UTC to the second, e.g. `2026-03-04 03:00:25 UTC`; `ms` since the epoch. */
export function formatInstant(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}
