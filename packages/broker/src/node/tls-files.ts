import { readFileSync } from "node:fs";
import { createSecureContext, type SecureContextOptions } from "node:tls";
import { CodedError, type Logger, type Timer, type Timers } from "@stratalog/base";
import type { TlsConfig } from "../config/broker-config.ts";

const RELOAD_INTERVAL_MS = 2_000;

/** A listener's certificate, key and authorities as they are on disk, and when they change. */
export class TlsFiles {
  readonly #config: TlsConfig;
  readonly #timers: Timers;
  readonly #logger: Logger;
  readonly #reloadIntervalMs: number;
  readonly #callbacks = new Set<() => void>();
  #current: SecureContextOptions;
  #refused: SecureContextOptions | undefined;
  #timer: Timer | undefined;

  /** Reads the files. Throws INVALID_CONFIG when one is missing or they do not fit together. */
  constructor(options: {
    readonly config: TlsConfig;
    readonly timers: Timers;
    readonly logger: Logger;
    /** How often the files are looked at. Default 2,000. */
    readonly reloadIntervalMs?: number;
  }) {
    this.#config = options.config;
    this.#timers = options.timers;
    this.#logger = options.logger;
    this.#reloadIntervalMs = options.reloadIntervalMs ?? RELOAD_INTERVAL_MS;
    this.#current = checked(readMaterial(this.#config), this.#config);
  }

  /** What connections are made with from now on. */
  get current(): SecureContextOptions {
    return this.#current;
  }

  /** Whether whoever connects must show a certificate. */
  get requiresClientCertificate(): boolean {
    return this.#config.clientAuth === "required";
  }

  /**
   * Calls back whenever `current` has changed; returns how to stop. The files are looked at only
   * while somebody listens.
   */
  onChange(callback: () => void): () => void {
    this.#callbacks.add(callback);
    this.#timer ??= this.#schedule();
    return () => {
      this.#callbacks.delete(callback);
      if (this.#callbacks.size > 0) return;
      this.#timer?.cancel();
      this.#timer = undefined;
    };
  }

  #schedule(): Timer {
    return this.#timers.after(this.#reloadIntervalMs, () => {
      this.#timer = this.#schedule();
      this.#reload();
    });
  }

  /** Files that are missing or do not fit, as in the middle of a renewal, change nothing. */
  #reload(): void {
    let read: SecureContextOptions | undefined;
    try {
      read = readMaterial(this.#config);
      if (isSame(read, this.#current) || isSame(read, this.#refused)) return;
      this.#current = checked(read, this.#config);
    } catch (error) {
      this.#refused = read;
      const { certFile } = this.#config;
      this.#logger.warn(
        { err: error, certFile },
        "new TLS files are not usable; the old ones stay",
      );
      return;
    }
    this.#refused = undefined;
    this.#logger.info({ certFile: this.#config.certFile }, "TLS files were loaded again");
    for (const callback of this.#callbacks) callback();
  }
}

function readMaterial(config: TlsConfig): SecureContextOptions {
  const { certFile, keyFile, caFile } = config;
  return {
    cert: readPem(certFile),
    key: readPem(keyFile),
    ...(caFile === undefined ? {} : { ca: readPem(caFile) }),
    minVersion: "TLSv1.3",
  };
}

function readPem(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new CodedError("INVALID_CONFIG", `cannot read a TLS file: ${reason}`, {
      details: { path },
      cause: error,
    });
  }
}

function checked(material: SecureContextOptions, config: TlsConfig): SecureContextOptions {
  try {
    createSecureContext(material);
    return material;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const { certFile, keyFile } = config;
    throw new CodedError(
      "INVALID_CONFIG",
      `${certFile} and ${keyFile} are not a certificate and its key in PEM: ${reason}`,
      { details: { certFile, keyFile }, cause: error },
    );
  }
}

function isSame(a: SecureContextOptions, b: SecureContextOptions | undefined): boolean {
  return b !== undefined && a.cert === b.cert && a.key === b.key && a.ca === b.ca;
}
