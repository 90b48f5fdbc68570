#!/bin/sh
echo ${HOME} ${nobody.knows}
