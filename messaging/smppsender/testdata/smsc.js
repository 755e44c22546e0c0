// An SMSC on npm's smpp for oracle_test.go: it prints what it understood of each
// message, a line of JSON each, throttles every tenth and reports delivery.
'use strict';
const smpp = require('smpp');

let count = 0;
const server = smpp.createServer({}, (session) => {
  session.on('error', () => {});
  session.on('bind_transceiver', (pdu) => session.send(pdu.response({ system_id: 'npm' })));
  session.on('enquire_link', (pdu) => session.send(pdu.response()));
  session.on('unbind', (pdu) => session.send(pdu.response(), () => session.close()));
  session.on('submit_sm', (pdu) => {
    count++;
    const throttle = process.env.THROTTLE && count % 10 === 0;
    const body = pdu.message_payload || pdu.short_message;
    const id = String(count);
    console.log(JSON.stringify({
      text: body.message.toString(), status: throttle ? 88 : 0, from: pdu.source_addr, to: pdu.destination_addr,
      ton: pdu.source_addr_ton, npi: pdu.source_addr_npi, esm: pdu.esm_class, coding: pdu.data_coding,
      sar: [pdu.sar_msg_ref_num, pdu.sar_total_segments, pdu.sar_segment_seqnum].filter((v) => v !== undefined),
      udh: body.udh ? Buffer.concat(body.udh.map((e) => Buffer.isBuffer(e) ? e : Buffer.from(JSON.stringify(e)))).toString('hex') : '',
    }));
    if (throttle) {
      session.send(pdu.response({ command_status: smpp.ESME_RTHROTTLED }));
      return;
    }
    session.send(pdu.response({ message_id: id }));
    if (pdu.registered_delivery) {
      session.deliver_sm({
        source_addr: pdu.destination_addr, destination_addr: pdu.source_addr, esm_class: 4,
        receipted_message_id: id, message_state: 2,
        short_message: 'id:' + id + ' sub:001 dlvrd:001 submit date:2503041301 done date:2503041305 stat:DELIVRD err:000 text:',
      });
    }
  });
});
server.listen(0, '127.0.0.1', () => console.log(JSON.stringify({ port: server.address().port })));
process.stdin.resume();
process.stdin.on('end', () => process.exit(0)); // ends with the test
