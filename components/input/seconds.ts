/** Two units at most, as kubectl does: `45s`, `3m20s`, `5h10m`, `12d`; `-` for none. */
export function formatSeconds(value: number | null): string {
  if (value === null) return "-";
  const total = Math.round(value);
  if (total < 60) return `${total}s`;
  if (total < 3600) return `${Math.floor(total / 60)}m${total % 60}s`;
  if (total < 86_400) return `${Math.floor(total / 3600)}h${Math.floor((total % 3600) / 60)}m`;
  return `${Math.floor(total / 86_400)}d`;
}
