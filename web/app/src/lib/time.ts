// Times and durations as people read them. Every function is given the time:
// none asks the clock.

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

/** Making a format is slow, and lists need the same few again and again. */
const formats = new Map<string, Intl.DateTimeFormat>();

function format(at: number, locale: string | undefined, options: Intl.DateTimeFormatOptions): string {
  const key = JSON.stringify([locale, options]);
  let made = formats.get(key);
  if (made === undefined) {
    made = new Intl.DateTimeFormat(locale, options);
    formats.set(key, made);
  }
  return made.format(at);
}

/** duration says how long something took: "48 s", "2 min 5 s", "1 h 3 min". */
export function duration(ms: number): string {
  const seconds = Math.round(Math.max(0, ms) / second);
  if (seconds < 60) {
    return `${seconds} s`;
  }
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) {
    return seconds % 60 === 0 ? `${minutes} min` : `${minutes} min ${seconds % 60} s`;
  }
  const rest = minutes % 60;
  return rest === 0 ? `${Math.floor(minutes / 60)} h` : `${Math.floor(minutes / 60)} h ${rest} min`;
}

/** counter is a running or remaining time: "0:07", "12:30", "1:02:03". */
export function counter(ms: number): string {
  const seconds = Math.floor(Math.max(0, ms) / second);
  const s = String(seconds % 60).padStart(2, '0');
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) {
    return `${minutes}:${s}`;
  }
  return `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, '0')}:${s}`;
}

/** clock is the time of day in the reader's own format: "14:05" or "2:05 PM". */
export function clock(at: number, locale?: string): string {
  return format(at, locale, { hour: 'numeric', minute: '2-digit' });
}

/** dayLabel names a day in a conversation: "Today", "Yesterday", "Friday, 3 July". */
export function dayLabel(at: number, now: number, locale?: string): string {
  const days = daysBetween(at, now);
  if (days <= 0) {
    return 'Today'; // also for a server whose clock runs ahead
  }
  if (days === 1) {
    return 'Yesterday';
  }
  const sameYear = new Date(at).getFullYear() === new Date(now).getFullYear();
  return format(at, locale, {
    weekday: 'long',
    day: 'numeric',
    month: 'long',
    ...(sameYear ? {} : { year: 'numeric' }),
  });
}

/** full is a time in every detail, for those who ask. */
export function full(at: number, locale?: string): string {
  return format(at, locale, { dateStyle: 'full', timeStyle: 'medium' });
}

/** date names a day on its own, past or to come: "3 July 2026". */
export function date(at: number, locale?: string): string {
  return format(at, locale, { day: 'numeric', month: 'long', year: 'numeric' });
}

/** shortWhen is the time in a list: "14:05" today, "Yesterday", "Fri" in this week, "3 Jul". */
export function shortWhen(at: number, now: number, locale?: string): string {
  const days = daysBetween(at, now);
  if (days <= 0) {
    return clock(at, locale);
  }
  if (days === 1) {
    return 'Yesterday';
  }
  return format(at, locale, days < 7 ? { weekday: 'short' } : { day: 'numeric', month: 'short' });
}

/** endOf is when something ends, in short: "14:00" today, "tomorrow, 8:00", "3 Jul, 8:00". */
export function endOf(at: number, now: number, locale?: string): string {
  const days = daysBetween(now, at);
  const time = clock(at, locale);
  if (days <= 0) {
    return time;
  }
  return days === 1 ? `tomorrow, ${time}` : `${format(at, locale, { day: 'numeric', month: 'short' })}, ${time}`;
}

/** nextAt is when it is a time of day ("14:00") next; NaN if that is none. */
export function nextAt(clock: string, now: number): number {
  const parts = /^(\d{1,2}):(\d{2})/.exec(clock);
  if (parts === null) {
    return NaN;
  }
  const at = new Date(now);
  at.setHours(Number(parts[1]), Number(parts[2]), 0, 0);
  if (at.getTime() <= now) {
    at.setDate(at.getDate() + 1);
  }
  return at.getTime();
}

/** sameDay reports whether two times fall on the same local day. */
export function sameDay(a: number, b: number): boolean {
  return daysBetween(a, b) === 0;
}

/** Whole local days from a to b; rounded, because some days have 23 or 25 hours. */
function daysBetween(a: number, b: number): number {
  return Math.round((new Date(b).setHours(0, 0, 0, 0) - new Date(a).setHours(0, 0, 0, 0)) / day);
}
