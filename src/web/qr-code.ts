/** An address as a QR code (ISO/IEC 18004), drawn here: no one else learns that somebody shares a petition. */
import qrcode from 'qrcode-generator';

/** The light border that readers need, in modules. */
const MARGIN = 4;

/** An SVG document: dark on light in any scheme. */
export function drawQrCode(address: string): string {
  const code = qrcode(0, 'M');
  code.addData(address, 'Byte');
  code.make();
  const count = code.getModuleCount();
  const rows = Array.from({ length: count }, (_, row) => {
    const dark = Array.from({ length: count }, (_, column) => (code.isDark(row, column) ? '1' : '0')).join('');
    return [...dark.matchAll(/1+/g)]
      .map(({ index, 0: run }) => `M${index + MARGIN} ${row + MARGIN}h${run.length}v1h-${run.length}z`)
      .join('');
  });
  const size = count + 2 * MARGIN;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size} ${size}" shape-rendering="crispEdges"><path fill="#fff" d="M0 0h${size}v${size}H0z"/><path d="${rows.join('')}"/></svg>`;
}
