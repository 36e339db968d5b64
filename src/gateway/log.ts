type Write = (fields: { readonly event: string; readonly [name: string]: unknown }, text: string) => void;

/** As much of the daemon's logger as the gateway needs. */
export type GatewayLog = {
  readonly debug: Write;
  readonly info: Write;
  readonly warn: Write;
  readonly error: Write;
};
