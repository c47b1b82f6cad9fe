export {
  drawHappening,
  type Happening,
  HAPPENINGS,
  type HistoryOutcome,
  runHistory,
} from "./group-history.ts";
