"""A Modbus server that nobody of this project wrote: pymodbus with 16 coils and 16 inputs, unit 1.

Arguments: tcp PORT | rtu DEVICE. Coil 0 rising sets input 0 (limit up) and clears input 1; coil 1 the other way round.
"""
import sys

from pymodbus.datastore import ModbusSequentialDataBlock, ModbusServerContext, ModbusSlaveContext
from pymodbus.server import StartSerialServer, StartTcpServer
from pymodbus.transaction import ModbusRtuFramer

inputs = ModbusSequentialDataBlock(0, [False] * 16)
inputs.setValues(1, [True])


class Coils(ModbusSequentialDataBlock):
    def setValues(self, address, values):
        super().setValues(address, values)
        for i, on in enumerate(values):
            if on and address + i in (0, 1):
                up = address + i == 0
                inputs.setValues(0, [up, not up])


store = ModbusSlaveContext(di=inputs, co=Coils(0, [False] * 16), zero_mode=True)
context = ModbusServerContext(slaves={1: store}, single=False)
if sys.argv[1] == "tcp":
    StartTcpServer(context=context, address=("127.0.0.1", int(sys.argv[2])))
else:
    StartSerialServer(context=context, framer=ModbusRtuFramer, port=sys.argv[2], baudrate=9600, timeout=0.02)
