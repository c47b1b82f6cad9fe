import { type Figure, median, shown } from "./figure.ts";

const WIDTH = 860;
const LABEL_WIDTH = 250;
const VALUE_WIDTH = 190;
const BAR_HEIGHT = 18;
const ROW_HEIGHT = 34;
const TOP = 64;
const BAR_COLOUR = "#2f6f8f";
const RANGE_COLOUR = "#12303d";
const TARGET_COLOUR = "#b3541e";

/**
 * Horizontal bars, one per figure: the median, a line from the least to the greatest value, and a
 * mark where the target is. Each bar has a scale of its own, because the units differ.
 */
export function svgPlot(title: string, subtitle: string, figures: readonly Figure[]): string {
  const height = TOP + figures.length * ROW_HEIGHT + 16;
  const rows = figures.map((figure, at) => row(figure, TOP + at * ROW_HEIGHT));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" ` +
      `font-family="system-ui, sans-serif" font-size="13">`,
    `<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>`,
    `<text x="16" y="26" font-size="17" font-weight="600">${escaped(title)}</text>`,
    `<text x="16" y="46" fill="#555555">${escaped(subtitle)}</text>`,
    ...rows.flat(),
    "</svg>",
    "",
  ].join("\n");
}

function row(figure: Figure, y: number): readonly string[] {
  const { name, unit, target, values } = figure;
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const middle = median(values);
  const roomPx = WIDTH - LABEL_WIDTH - VALUE_WIDTH;
  const perPx = Math.max(most, target ?? 0) / roomPx;
  const x = (value: number): string => (LABEL_WIDTH + value / perPx).toFixed(1);
  const widthPx = (middle / perPx).toFixed(1);
  const textY = y + BAR_HEIGHT - 4;
  const lineY = y + BAR_HEIGHT / 2;
  const parts = [
    `<text x="${LABEL_WIDTH - 10}" y="${textY}" text-anchor="end">${escaped(name)}</text>`,
    `<rect x="${LABEL_WIDTH}" y="${y}" width="${widthPx}" height="${BAR_HEIGHT}" ` +
      `fill="${BAR_COLOUR}"/>`,
    `<line x1="${x(least)}" x2="${x(most)}" y1="${lineY}" y2="${lineY}" ` +
      `stroke="${RANGE_COLOUR}" stroke-width="3"/>`,
    `<text x="${WIDTH - VALUE_WIDTH + 10}" y="${textY}">` +
      `${shown(middle)} ${escaped(unit)}</text>`,
  ];
  if (target !== undefined) {
    parts.push(
      `<line x1="${x(target)}" x2="${x(target)}" y1="${y - 4}" y2="${y + BAR_HEIGHT + 4}" ` +
        `stroke="${TARGET_COLOUR}" stroke-width="2"><title>to reach: ${shown(target)}</title></line>`,
    );
  }
  return parts;
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
